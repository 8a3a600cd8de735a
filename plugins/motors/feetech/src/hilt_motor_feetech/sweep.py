"""From a sweep to a calibration: which homing offset and range let a joint never cross the end of its encoder's turn.

The encoder counts 4096 steps a turn; the servo reports them less its homing offset, from 0 to 4095. Where a sweep started
does not matter: it is followed across the end of the turn, and its middle becomes the middle of what the servo reports.
"""

from attrs import define

from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.table import REGISTERS, STEPS

DEGREES = 360 / STEPS
"""Of one step."""
MIDDLE = (STEPS - 1) // 2
"""Where the middle of a joint's range is reported, as LeRobot has it."""
LEAST_DEGREES = 10.0
"""A joint that was moved no further has not been swept."""

_LARGEST_OFFSET = REGISTERS["Homing_Offset"].largest


@define
class Track:
    """One joint, followed from where it was seen first. at: steps from there, not wrapped. seen_ns: when it was seen last."""

    last: int
    at: int
    seen_ns: int

    @classmethod
    def begun(cls, reported: int, now_ns: int) -> "Track":
        return cls(reported, 0, now_ns)

    def follow(self, reported: int, now_ns: int) -> None:
        """reported: as the servo says. The shorter way round is the one that the joint went."""
        self.at += wrapped(reported - self.last)
        self.last, self.seen_ns = reported, now_ns


def wrapped(steps: int) -> int:
    """The same place on the encoder, from -2048 to 2047."""
    return (steps + STEPS // 2) % STEPS - STEPS // 2


def homing_offset(actual: int) -> int:
    """With it the servo reports MIDDLE where its encoder counts `actual`; beside it by one step where the register ends."""
    return max(wrapped(actual - MIDDLE), -_LARGEST_OFFSET)


def calibration_of_sweep(id: int, start: int, lowest: int, highest: int) -> MotorCalibration:
    """start: what the encoder counted where the sweep began. lowest, highest: steps from there; less than a turn apart."""
    middle = (lowest + highest) // 2
    offset = homing_offset(start + middle)
    reported = MIDDLE + wrapped(start + middle - offset - MIDDLE)
    ends = [min(max(reported + end - middle, 0), STEPS - 1) for end in (lowest, highest)]
    return MotorCalibration(id=id, drive_mode=0, homing_offset=offset, range_min=ends[0], range_max=ends[1])


def calibration_of_turning(id: int, actual: int) -> MotorCalibration:
    """Of a joint whose zero is where its encoder counts `actual`, and whose range is the whole turn."""
    return MotorCalibration(id=id, drive_mode=0, homing_offset=homing_offset(actual), range_min=0, range_max=STEPS - 1)


def problem_of_sweep(joint: str, lowest: int, highest: int) -> str:
    """Why a sweep cannot be kept, "" if it can."""
    degrees = (highest - lowest) * DEGREES
    if degrees < LEAST_DEGREES:
        return f"{joint}: moved by {degrees:.1f} deg only; move it to both ends"
    if highest - lowest >= STEPS:
        return f"{joint}: moved by {degrees:.0f} deg, more than a whole turn: it has no stops, or its gear has slipped"
    return ""
