"""Calibration files: LeRobot's format and places."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_hooks import ConfigError
from hilt_motor_feetech.calibration import (
    CalibrationPlace,
    MotorCalibration,
    calibration_root,
    load_calibration,
    save_calibration,
)

PAN = {"id": 1, "drive_mode": 0, "homing_offset": -1470, "range_min": 758, "range_max": 3292}

motors = st.builds(
    MotorCalibration,
    id=st.integers(0, 252),
    drive_mode=st.integers(0, 1),
    homing_offset=st.integers(-2047, 2047),
    range_min=st.integers(0, 2000),
    range_max=st.integers(2001, 4095),
)


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_file_is_lerobots(tmp_path: Path) -> None:
    path = tmp_path / "new" / "black.json"
    save_calibration(path, {"shoulder_pan": MotorCalibration(**PAN)})
    assert path.read_text() == json.dumps({"shoulder_pan": PAN}, indent=4)
    assert [each.name for each in path.parent.iterdir()] == ["black.json"]


@given(calibration=st.dictionaries(st.text(min_size=1), motors, min_size=1))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, calibration: dict[str, MotorCalibration]) -> None:
    path = tmp_path_factory.mktemp("calibration") / "arm.json"
    save_calibration(path, calibration)
    assert load_calibration(path) == calibration


def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    content = {
        "shoulder_pan": {**PAN, "homing_offset": 2114},
        "elbow_flex": {**PAN, "range_min": 1.5, "colour": "red"},
        "wrist_flex": {name: value for name, value in PAN.items() if name != "id"},
        "wrist_roll": {**PAN, "range_min": 3292},
        "gripper": 7,
    }
    path = written(tmp_path / "arm.json", content)
    with pytest.raises(ConfigError) as caught:
        load_calibration(path)
    problems = caught.value.problems
    assert all(str(path) in problem for problem in problems)
    for part in (
        "shoulder_pan.homing_offset",
        "elbow_flex.range_min",
        "elbow_flex.colour",
        "wrist_flex.id",
        "wrist_roll",
        "gripper",
    ):
        assert sum(part in problem for problem in problems) == 1, part


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "arm.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"arm\.json"):
        load_calibration(path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = written(tmp_path / "arm.json", {"shoulder_pan": PAN})
    with pytest.raises(TypeError):
        save_calibration(path, {"shoulder_pan": MotorCalibration(**{**PAN, "id": object()})})  # type: ignore[arg-type]
    assert load_calibration(path) == {"shoulder_pan": MotorCalibration(**PAN)}
    assert len(list(tmp_path.iterdir())) == 1


def test_older_folders_are_found_and_new_files_go_to_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_LEROBOT_CALIBRATION", str(tmp_path))
    place = CalibrationPlace(kind="robots", folders=("so_follower", "so101_follower"), id="black")
    new, old = (tmp_path / "robots" / folder / "black.json" for folder in place.folders)
    assert place.path == new
    old.parent.mkdir(parents=True)
    written(old, {})
    assert place.path == old
    new.parent.mkdir(parents=True)
    written(new, {})
    assert place.path == new


def test_a_folder_of_ones_own_comes_first(tmp_path: Path) -> None:
    assert CalibrationPlace(kind="robots", folders=("so_follower",), id=None, directory=tmp_path).path == tmp_path / "None.json"


def test_the_root_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_LEROBOT_CALIBRATION", "HF_LEROBOT_HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert calibration_root() == Path("~/.cache/huggingface/lerobot/calibration").expanduser()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    assert calibration_root() == tmp_path / "hub" / "lerobot" / "calibration"
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path / "home"))
    assert calibration_root() == tmp_path / "home" / "calibration"
    monkeypatch.setenv("HF_LEROBOT_CALIBRATION", str(tmp_path / "own"))
    assert calibration_root() == tmp_path / "own"
