"""What a bench is started with; it reaches the child processes as a file in the run folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from hilt_hooks import ConfigError
from hilt_robot_emulated.folder import write_json
from hilt_robot_emulated.words import CAMERA_NAMES


@frozen
class View:
    """How a camera is rendered."""

    width: int = 320
    height: int = 240
    fps: float = 30.0


DEFAULT_CAMERAS: Mapping[str, View] = {name: View() for name in CAMERA_NAMES}


@frozen(kw_only=True)
class Settings:
    """parent: the process whose end ends the bench. temporary: the folder goes when the bench ends.

    faults: the content of a script, see `fault_script`. fresh: the arms are new, neither set up nor calibrated.
    """

    seed: int
    cameras: Mapping[str, View]
    parent: int
    temporary: bool
    faults: Mapping[str, Any] | None = None
    fresh: bool = False


def check_cameras(cameras: Mapping[str, View]) -> None:
    wrong = [name for name in cameras if name not in CAMERA_NAMES]
    if wrong:
        raise ConfigError(f"the bench has the cameras {', '.join(CAMERA_NAMES)}; it has no {', '.join(wrong)}")


def save_settings(folder: Path, settings: Settings) -> None:
    write_json(folder / "settings.json", asdict(settings))


def load_settings(folder: Path) -> Settings:
    content = json.loads((folder / "settings.json").read_text())
    cameras = {name: View(**view) for name, view in content.pop("cameras").items()}
    return Settings(**content, cameras=cameras)
