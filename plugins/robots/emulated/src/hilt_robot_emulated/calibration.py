"""How a joint angle, an encoder and a channel of the driver belong together on the bench.

The encoder counts 4096 steps a turn; the servo reports it less its homing offset. The driver gives degrees from the middle
of the calibrated range, and the gripper as percent of its range, with LeRobot's formulas (360 degrees are 4095 steps there).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from hilt_hooks import ConfigError
from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.table import STEPS
from hilt_robot_emulated.so101 import JOINTS, LINKS, Link

MIDDLE = 2047.5
STEPS_A_RADIAN = STEPS / math.tau
CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)


@frozen
class Encoder:
    """One servo. `present` is what it reports, `actual` what its encoder counts; both in steps, `actual` unwrapped."""

    id: int
    joint: str
    homing_offset: int
    range_min: int
    range_max: int

    def actual(self, angle: float) -> float:
        return MIDDLE + self.homing_offset + angle * STEPS_A_RADIAN

    def angle(self, actual: float) -> float:
        """Joint angle in rad."""
        return (actual - MIDDLE - self.homing_offset) / STEPS_A_RADIAN

    def to_channel(self, angle: float) -> float:
        """Joint angle in rad -> degrees, or percent for the gripper."""
        present = MIDDLE + angle * STEPS_A_RADIAN
        if self.joint == "gripper":
            return (present - self.range_min) / (self.range_max - self.range_min) * 100.0
        return (present - (self.range_min + self.range_max) / 2) * 360.0 / (STEPS - 1)

    def from_channel(self, value: float) -> float:
        if self.joint == "gripper":
            present = self.range_min + value / 100.0 * (self.range_max - self.range_min)
        else:
            present = (self.range_min + self.range_max) / 2 + value * (STEPS - 1) / 360.0
        return (present - MIDDLE) / STEPS_A_RADIAN


def _range(link: Link) -> tuple[int, int]:
    if link.joint == "wrist_roll":  # calibrated as a full turn, as LeRobot's procedure does
        return 0, STEPS - 1
    return round(MIDDLE + link.lower * STEPS_A_RADIAN), round(MIDDLE + link.upper * STEPS_A_RADIAN)


def _encoders(offsets: Sequence[int]) -> tuple[Encoder, ...]:
    return tuple(
        Encoder(number, link.joint, offset, *_range(link))
        for number, (link, offset) in enumerate(zip(LINKS, offsets, strict=True), start=1)
    )


ENCODERS: Mapping[str, tuple[Encoder, ...]] = {
    "robot": _encoders((-312, 417, 88, -1204, 655, -73)),
    "leader": _encoders((140, -521, 902, 33, -260, 310)),
}
"""Arm -> its servos in joint order. Offsets differ, as they do between two arms that were screwed together."""


def to_channels(angles: Iterable[float]) -> dict[str, float]:
    """Six joint angles in rad -> channel name -> degrees or percent. Both arms share the conversion."""
    pairs = zip(CHANNELS, ENCODERS["robot"], angles, strict=True)
    return {channel: encoder.to_channel(float(angle)) for channel, encoder, angle in pairs}


def from_channels(values: Mapping[str, float]) -> list[float]:
    """The inverse of `to_channels`. Raises ConfigError unless exactly the six channels are there."""
    if set(values) != set(CHANNELS):
        raise ConfigError(f"a pose of the arm has the channels {', '.join(CHANNELS)}; got {', '.join(sorted(values)) or 'none'}")
    return [encoder.from_channel(values[channel]) for channel, encoder in zip(CHANNELS, ENCODERS["robot"], strict=True)]


def motor_calibration(arm: str) -> dict[str, MotorCalibration]:
    """What the arm's calibration file says, and its servos' EEPROM."""
    return {
        encoder.joint: MotorCalibration(
            id=encoder.id,
            drive_mode=0,
            homing_offset=encoder.homing_offset,
            range_min=encoder.range_min,
            range_max=encoder.range_max,
        )
        for encoder in ENCODERS[arm]
    }
