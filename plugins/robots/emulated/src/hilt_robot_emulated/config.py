"""The configurations of the bench's devices."""

from attrs import frozen

from hilt_hooks import Bindings, option
from hilt_robot_emulated.words import CAMERA_NAMES, EVENTS

BINDINGS: Bindings = {event: event for event in EVENTS}
"""The controls of the scripted operator are named like the session's events."""


@frozen(kw_only=True)
class EmulatedCameraConfig:
    bench: str = option("", help="Run folder of the bench, or its name; empty: the only one that runs")
    name: str = option(help="Which camera of the bench", choices=CAMERA_NAMES)
    width: int = option(320, help="Width of the image", unit="px", minimum=1)
    height: int = option(240, help="Height of the image", unit="px", minimum=1)
    fps: float = option(30.0, help="Frames a second", unit="Hz", minimum=1)


@frozen(kw_only=True)
class ScriptedConfig:
    bench: str = option("", help="Run folder of the bench, or its name; empty: the only one that runs")
    script: str = option("demonstrate", help="What the operator does: demonstrate, intervene, or the path of a YAML file")
