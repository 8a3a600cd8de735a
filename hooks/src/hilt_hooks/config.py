"""Fields of a configuration class: one declaration for files, flags, help, docs and schema.

@frozen(kw_only=True)
class ArmConfig:
    port: str = option(help="Serial port of the arm, or its path under /dev/serial/by-id")
    read_retries: int = option(2, help="How often a position read is repeated", minimum=0)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import NOTHING, Factory, field, frozen

METADATA = "hilt"
"""Where a field keeps its `Option`: `attrs.fields(cls).port.metadata[METADATA]`."""


@frozen(kw_only=True)
class Option:
    """What a field says about itself. Limits are inclusive, in the field's unit. kind: of a field that holds devices."""

    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    kind: str | None = None


@frozen
class Typed:
    """A device as a configuration names it: its type and its own, built configuration."""

    type: str
    config: Any


Cameras = Mapping[str, Typed]
"""Camera name -> camera. The session opens them; the robot only lists them, as LeRobot's configurations do."""


def option(
    default: Any = NOTHING,
    *,
    help: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[Any] = (),
    kind: str | None = None,
) -> Any:
    """An attrs field with its help. A field without `default` is required. A default dict or list is copied."""
    metadata = {METADATA: Option(help=help, unit=unit, minimum=minimum, maximum=maximum, choices=tuple(choices), kind=kind)}
    if isinstance(default, dict | list):
        kept = default
        return field(default=Factory(lambda: type(kept)(kept)), metadata=metadata)
    return field(default=default, metadata=metadata)


def cameras() -> Any:
    """The `cameras` field of a robot's configuration."""
    return option({}, help="Cameras by name, each with a type and its fields", kind="camera")
