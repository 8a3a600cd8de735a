"""Calibration files in LeRobot's format and at LeRobot's locations."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, fields, frozen

from hilt_hooks import ConfigError
from hilt_motor_feetech.table import REGISTERS, STEPS


@frozen
class MotorCalibration:
    """homing_offset: steps between the encoder's zero and the joint's. range_min, range_max: steps, as Present_Position."""

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


Calibration = Mapping[str, MotorCalibration]
"""Motor name -> its calibration."""

_ALLOWED: Mapping[str, tuple[int, int]] = {
    "id": (0, 252),
    "drive_mode": (0, 1),
    "homing_offset": (-REGISTERS["Homing_Offset"].largest, REGISTERS["Homing_Offset"].largest),
    "range_min": (0, STEPS - 1),
    "range_max": (0, STEPS - 1),
}


def calibration_root() -> Path:
    """Where LeRobot keeps calibrations, on this machine and with these environment variables."""
    if "HF_LEROBOT_CALIBRATION" in os.environ:
        return Path(os.environ["HF_LEROBOT_CALIBRATION"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    hub = Path(os.environ.get("HF_HOME", Path(cache) / "huggingface"))
    return Path(os.environ.get("HF_LEROBOT_HOME", hub / "lerobot")).expanduser() / "calibration"


@frozen(kw_only=True)
class CalibrationPlace:
    """Where the calibration of a device lies.

    kind: `robots` or `teleoperators`. folders: LeRobot's names for the device, newest first. id: of this arm, None if it has
    none. directory: holds the file itself, instead of LeRobot's locations.
    """

    kind: str
    folders: tuple[str, ...]
    id: str | None
    directory: Path | None = None

    @property
    def path(self) -> Path:
        """Where the file is, under the newest name that has it, or else where it would be."""
        candidates = self._candidates()
        return next((path for path in candidates if path.is_file()), candidates[0])

    def others(self) -> list[Path]:
        """All calibration files that lie where that of this device does, of whatever kind; without its own."""
        found = calibration_root().glob("*/*/*.json") if self.directory is None else self.directory.expanduser().glob("*.json")
        own = set(self._candidates())
        return sorted(path for path in found if path not in own)

    def _candidates(self) -> list[Path]:
        name = f"{self.id}.json"
        if self.directory is not None:
            return [self.directory.expanduser() / name]
        return [calibration_root() / self.kind / folder / name for folder in self.folders]


def load_calibration(path: Path) -> dict[str, MotorCalibration]:
    """Raises ConfigError with one line for each thing that is wrong in the file, FileNotFoundError if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a calibration file: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected motors by name, found a {type(content).__name__}")
    problems = [f"{path}: {problem}" for motor, entry in content.items() for problem in _problems(motor, entry)]
    if problems:
        raise ConfigError(problems)
    return {motor: MotorCalibration(**entry) for motor, entry in content.items()}


def _problems(motor: str, entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{motor}: expected {', '.join(_ALLOWED)}, found {entry!r}"]
    missing = [f"{motor}.{name}: missing" for name in _ALLOWED if name not in entry]
    surplus = [f"{motor}.{name}: unknown; known are {', '.join(_ALLOWED)}" for name in entry if name not in _ALLOWED]
    wrong = [
        f"{motor}.{name}: {entry[name]!r} is not an integer from {lower} to {upper}"
        for name, (lower, upper) in _ALLOWED.items()
        if name in entry and not (type(entry[name]) is int and lower <= entry[name] <= upper)
    ]
    if not missing and not wrong and entry["range_min"] >= entry["range_max"]:
        wrong = [f"{motor}.range_min: {entry['range_min']} is not below range_max, {entry['range_max']}"]
    return missing + surplus + wrong


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write the file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [each.name for each in fields(MotorCalibration)]
    content = {motor: {name: asdict(entry)[name] for name in names} for motor, entry in calibration.items()}
    handle, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        os.chmod(draft, 0o644)  # other users of a robot read it too
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=4)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def set_aside(path: Path) -> Path | None:
    """Copy a file to one beside it that is named after the time; None if there is no file."""
    if not path.is_file():
        return None
    kept = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}")
    shutil.copy2(path, kept)
    return kept
