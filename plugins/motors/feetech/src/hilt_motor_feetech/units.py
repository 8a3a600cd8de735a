"""Encoder steps to the units of a channel and back, for all motors of an arm at once."""

from collections.abc import Sequence
from enum import Enum

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from hilt_hooks import ConfigError, Floats, SafetyStop
from hilt_motor_feetech.calibration import Calibration
from hilt_motor_feetech.table import STEPS


class Unit(Enum):
    """What a joint is measured in. The values are LeRobot's names."""

    DEGREES = "degrees"
    RANGE_M100_100 = "range_m100_100"
    RANGE_0_100 = "range_0_100"

    @property
    def label(self) -> str:
        return "deg" if self is Unit.DEGREES else "%"


@frozen(eq=False)
class Scale:
    """value = (steps - zero) * gain, for each motor; all arrays have shape (n,).

    lower, upper: the calibrated range in steps. clips: whether what is read ends there.
    Degrees count from the middle of the range and are measured beyond it too; percentages end where the range ends.
    """

    names: tuple[str, ...]
    zero: Floats
    gain: Floats
    lower: Floats
    upper: Floats
    clips: NDArray[np.bool_]

    @classmethod
    def of(cls, units: Sequence[tuple[str, Unit]], calibration: Calibration) -> "Scale":
        """units: motor name and unit, in order. Raises ConfigError for a calibration that the units give no sense to."""
        reversed_joints = [n for n, unit in units if unit is Unit.DEGREES and calibration[n].drive_mode]
        if reversed_joints:
            # LeRobot ignores drive_mode in degrees; following it would turn its datasets and checkpoints around.
            raise ConfigError([f"{n}.drive_mode: 1 has no meaning in degrees; set it to 0" for n in reversed_joints])
        rows = [_row(unit, *_range(calibration, name)) for name, unit in units]
        zero, gain, lower, upper = np.array(rows, dtype=np.float64).T.copy()
        clips = np.array([unit is not Unit.DEGREES for _, unit in units])
        return cls(tuple(name for name, _ in units), zero, gain, lower, upper, clips)

    def values(self, steps: Floats) -> Floats:
        """steps: (n,) as read, NaN where there is none. Returns (n,) in the units of the channels."""
        kept = np.where(self.clips, np.clip(steps, self.lower, self.upper), steps)
        return (kept - self.zero) * self.gain

    def steps(self, values: Floats) -> NDArray[np.int64]:
        """The nearest steps in the calibrated range. Raises SafetyStop for a value that is not finite."""
        if not np.isfinite(values).all():
            wrong = [f"{name} = {value}" for name, value in zip(self.names, values, strict=True) if not np.isfinite(value)]
            raise SafetyStop(f"not a position: {', '.join(wrong)}; nothing was sent, the arm stays at its last target")
        with np.errstate(over="ignore"):  # what is too far for a float is too far for the range
            there = values / self.gain + self.zero
        return np.clip(np.rint(there), self.lower, self.upper).astype(np.int64)

    def limits(self) -> tuple[Floats, Floats]:
        """The ends of the calibrated range in the units of the channels, each (n,), the smaller first."""
        ends = (self.lower - self.zero) * self.gain, (self.upper - self.zero) * self.gain
        return np.minimum(*ends), np.maximum(*ends)


def _range(calibration: Calibration, name: str) -> tuple[int, int, bool]:
    motor = calibration[name]
    return motor.range_min, motor.range_max, bool(motor.drive_mode)


def _row(unit: Unit, lower: int, upper: int, turned: bool) -> tuple[float, float, float, float]:
    """zero, gain, lower, upper."""
    if unit is Unit.DEGREES:
        return (lower + upper) / 2, 360 / (STEPS - 1), lower, upper
    if unit is Unit.RANGE_M100_100:
        gain = 200 / (upper - lower)
        return (lower + upper) / 2, -gain if turned else gain, lower, upper
    gain = 100 / (upper - lower)
    return (upper, -gain, lower, upper) if turned else (lower, gain, lower, upper)
