"""The six servos that followers and leaders share."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from hilt_hooks import JointToCalibrate
from hilt_motor_feetech.arm import Settings
from hilt_motor_feetech.bus import Motor
from hilt_motor_feetech.units import Unit

GRIPPER = "gripper"
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", GRIPPER)
MOTORS: Mapping[str, Motor] = {joint: Motor(id) for id, joint in enumerate(JOINTS, start=1)}

_RANGES: Mapping[str, float] = {
    "shoulder_pan": 220,
    "shoulder_lift": 200,
    "elbow_flex": 194,
    "wrist_flex": 190,
    "wrist_roll": 320,
}
"""Whole ranges in degrees, from the SO-101 description; those of gripper and trigger differ."""

_FASTEST = 254
"""Acceleration as the servo can; the governor shapes the motion."""


def units(use_degrees: bool) -> dict[str, Unit]:
    body = Unit.DEGREES if use_degrees else Unit.RANGE_M100_100
    return {joint: Unit.RANGE_0_100 if joint == GRIPPER else body for joint in JOINTS}


def settings() -> Settings:
    """Position control, answers without delay, no ramp in the servo."""
    same = {"Return_Delay_Time": 0, "Operating_Mode": 0, "Maximum_Acceleration": _FASTEST, "Acceleration": _FASTEST}
    return {register: dict.fromkeys(JOINTS, value) for register, value in same.items()}


def joints() -> Sequence[JointToCalibrate]:
    """How each is calibrated. `wrist_roll` may turn on and on: as in LeRobot, its range is the whole turn."""
    roll = JointToCalibrate(
        name="wrist_roll",
        about=_RANGES["wrist_roll"],
        turns=True,
        advice="turn wrist_roll half way between its two ends: the same way round on leader and follower",
    )
    return [roll if joint == roll.name else JointToCalibrate(name=joint, about=_RANGES.get(joint, 0.0)) for joint in MOTORS]


def flags(device: str, type: str, port: str, id: str | None, calibration_dir: Path | None) -> str:
    """The flags by which a command finds an arm again. device: `robot` or `teleop`."""
    given = {"type": type, "port": port, "id": id, "calibration_dir": calibration_dir}
    return shlex.join(f"--{device}.{name}={value}" for name, value in given.items() if value is not None)
