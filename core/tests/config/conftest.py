from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import frozen

from hilt.kernel import Registry
from hilt_hooks import (
    CameraDescriptor,
    Cameras,
    InputDescriptor,
    RecorderDescriptor,
    RobotDescriptor,
    TeleoperatorDescriptor,
    Typed,
    cameras,
    option,
)


@frozen(kw_only=True)
class Camera:
    index_or_path: int | str = option(help="Which camera")
    width: int | None = option(None, help="Width", unit="px")
    height: int | None = option(None, help="Height", unit="px")
    fps: int = option(30, help="Frames a second", unit="Hz", minimum=1)


@frozen(kw_only=True)
class Arm:
    port: str = option(help="Serial port")
    id: str | None = option(None, help="Name of the arm")
    cameras: Cameras = cameras()
    gain: float = option(16.0, help="Gain", minimum=0, maximum=254)
    reach: float | Mapping[str, float] | None = option(None, help="Reach, for all or for each")
    mode: Literal["soft", "stiff"] = option("soft", help="How it moves")
    home: tuple[float, float] = option((0.0, 0.0), help="Where it rests")
    folder: Path | None = option(None, help="Where its calibration is")
    extra: Mapping[str, Any] = option({}, help="Anything")


@frozen(kw_only=True)
class Pair:
    left: Typed = option(help="Left arm", kind="robot")
    right: Typed = option(help="Right arm", kind="robot")


@frozen(kw_only=True)
class Leader:
    port: str = option(help="Serial port")


@frozen(kw_only=True)
class Keys:
    layout: str = option("qwerty", help="Layout", choices=("qwerty", "azerty"))


@frozen(kw_only=True)
class Store:
    repo_id: str = option(help="Name")
    single_task: str = option("", help="Task")
    fps: int = option(30, help="Frames a second", minimum=1)
    episode_time_s: float = option(60.0, help="Length", unit="s")
    reset_time_s: float = option(60.0, help="Reset", unit="s")
    num_episodes: int = option(50, help="How many")
    push_to_hub: bool = option(False, help="Push")
    tags: list[str] = option([], help="Tags")
    resume: bool = option(False, help="Go on")

    @property
    def folder(self) -> Path:
        return Path(self.repo_id)


@frozen(kw_only=True)
class Bare:
    pass


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.of(
        RobotDescriptor(name="so101_follower", aliases=("arm_alias",), summary="An arm", config=Arm, factory="x:y"),
        RobotDescriptor(name="pair", summary="Two arms", config=Pair, factory="x:y"),
        TeleoperatorDescriptor(name="so101_leader", summary="A leader", config=Leader, factory="x:y"),
        CameraDescriptor(name="opencv", summary="A camera", config=Camera, factory="x:y"),
        InputDescriptor(name="keyboard", summary="Keys", config=Keys, factory="x:y"),
        InputDescriptor(name="pedal", summary="A pedal", config=Bare, factory="x:y"),
        RecorderDescriptor(name="lerobot", summary="A store", config=Store, factory="x:y"),
        RecorderDescriptor(name="bare", summary="Nothing", config=Bare, factory="x:y"),
    )


@pytest.fixture
def argv() -> list[str]:
    """A documented command line."""
    return [
        "--robot.type=so101_follower",
        "--robot.port=/dev/ttyACM0",
        '--robot.cameras={front: {type: opencv, index_or_path: "/dev/video0", width: 640, height: 480, fps: 30}}',
        "--teleop.type=so101_leader",
        "--teleop.port=/dev/ttyACM1",
        "--policy.path=outputs/act",
        "--dataset.repo_id=me/hil",
        "--dataset.single_task=Push the cube",
        "--dataset.fps=30",
        "--dataset.episode_time_s=60",
        "--dataset.num_episodes=3",
        "--interpolation_multiplier=2",
    ]
