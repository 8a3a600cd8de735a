"""The six servos that followers and leaders share."""

from collections.abc import Mapping

from hilt_motor_feetech.arm import Settings
from hilt_motor_feetech.bus import Motor
from hilt_motor_feetech.units import Unit

GRIPPER = "gripper"
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", GRIPPER)
MOTORS: Mapping[str, Motor] = {joint: Motor(id) for id, joint in enumerate(JOINTS, start=1)}

_FASTEST = 254
"""Acceleration as the servo can; the governor shapes the motion."""


def units(use_degrees: bool) -> dict[str, Unit]:
    body = Unit.DEGREES if use_degrees else Unit.RANGE_M100_100
    return {joint: Unit.RANGE_0_100 if joint == GRIPPER else body for joint in JOINTS}


def settings() -> Settings:
    """Position control, answers without delay, no ramp in the servo."""
    same = {"Return_Delay_Time": 0, "Operating_Mode": 0, "Maximum_Acceleration": _FASTEST, "Acceleration": _FASTEST}
    return {register: dict.fromkeys(JOINTS, value) for register, value in same.items()}
