"""Limits that a station gives for an arm, checked with the real one's own before anything moves."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hilt.config import Station, structure
from hilt.kernel import Registry
from hilt.rig.arms import Arms
from hilt_hooks import ConfigError
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_robot_so.motors import JOINTS


def arms(folder: Path, limits: Mapping[str, Mapping[str, float]]) -> Arms:
    save_calibration(folder / "arm.json", {joint: MotorCalibration(id, 0, 0, 1500, 2500) for id, joint in enumerate(JOINTS, 1)})
    robot = {"type": "so101_follower", "port": "nowhere", "id": "arm", "calibration_dir": str(folder)}
    registry = Registry.discover()
    return Arms(structure(Station, {"robot": robot, "limits": limits}, registry), registry)


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ({"velocity": 0}, "limits.elbow_flex.pos.velocity: 0 would never let it move; give a number above 0"),
        ({"acceleration": 0}, "limits.elbow_flex.pos.acceleration: 0 would never let it move; give a number above 0"),
        ({"lower": 10, "upper": -10}, "limits.elbow_flex.pos: lower (10) is not below upper (-10)"),
        ({"lower": 170}, "limits.elbow_flex.pos: lower (170) is not below upper"),
    ],
)
def test_limits_between_which_a_joint_cannot_move_are_refused(tmp_path: Path, limit: Mapping[str, float], problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        arms(tmp_path, {"elbow_flex.pos": limit})
    (said,) = error.value.problems
    assert said.startswith(problem)


def test_limits_that_leave_room_are_in_force(tmp_path: Path) -> None:
    envelope = arms(tmp_path, {"elbow_flex.pos": {"velocity": 10, "lower": -5}}).governors(0.01)[0].envelope
    at = envelope.names.index("elbow_flex.pos")
    assert (envelope.velocity[at], envelope.lower[at]) == (10, -5)
