"""Encoder steps as degrees and percent."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_hooks import ConfigError, SafetyStop
from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.units import Scale, Unit

ranges = st.tuples(st.integers(0, 4095), st.integers(0, 4095)).filter(lambda ends: ends[0] < ends[1])


def scale(unit: Unit, lower: int = 1000, upper: int = 3000, drive_mode: int = 0) -> Scale:
    return Scale.of([("joint", unit)], {"joint": MotorCalibration(1, drive_mode, 0, lower, upper)})


def value(of: Scale, steps: float) -> float:
    return float(of.values(np.array([steps]))[0])


@pytest.mark.parametrize(
    ("unit", "drive_mode", "steps", "expected"),
    [
        (Unit.DEGREES, 0, 2000, 0.0),
        (Unit.DEGREES, 0, 3000, 1000 * 360 / 4095),
        (Unit.DEGREES, 0, 3100, 1100 * 360 / 4095),  # beyond the range, and still told
        (Unit.RANGE_M100_100, 0, 1000, -100.0),
        (Unit.RANGE_M100_100, 0, 2500, 50.0),
        (Unit.RANGE_M100_100, 0, 3100, 100.0),
        (Unit.RANGE_M100_100, 1, 2500, -50.0),
        (Unit.RANGE_0_100, 0, 1500, 25.0),
        (Unit.RANGE_0_100, 0, 900, 0.0),
        (Unit.RANGE_0_100, 1, 1500, 75.0),
    ],
)
def test_values(unit: Unit, drive_mode: int, steps: int, expected: float) -> None:
    assert value(scale(unit, drive_mode=drive_mode), steps) == pytest.approx(expected)


@given(st.sampled_from(Unit), ranges, st.integers(0, 1), st.floats(0, 1))
def test_steps_round_trip(unit: Unit, ends: tuple[int, int], drive_mode: int, where: float) -> None:
    lower, upper = ends
    one = scale(unit, lower, upper, 0 if unit is Unit.DEGREES else drive_mode)
    steps = round(lower + where * (upper - lower))
    assert one.steps(one.values(np.array([float(steps)]))).tolist() == [steps]


@given(st.sampled_from(Unit), ranges, st.floats(-1e9, 1e9))
def test_steps_never_leave_the_calibrated_range(unit: Unit, ends: tuple[int, int], asked: float) -> None:
    assert ends[0] <= int(scale(unit, *ends).steps(np.array([asked]))[0]) <= ends[1]


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_becomes_a_number(unit: Unit, wrong: float) -> None:
    with pytest.raises(SafetyStop, match="joint"):
        scale(unit).steps(np.array([wrong]))


@pytest.mark.parametrize(("unit", "expected"), [(Unit.RANGE_M100_100, (-100, 100)), (Unit.RANGE_0_100, (0, 100))])
@pytest.mark.parametrize("drive_mode", [0, 1])
def test_limits_of_percentages(unit: Unit, expected: tuple[float, float], drive_mode: int) -> None:
    lower, upper = scale(unit, drive_mode=drive_mode).limits()
    assert (lower[0], upper[0]) == pytest.approx(expected)


def test_limits_in_degrees_are_those_of_the_range() -> None:
    lower, upper = scale(Unit.DEGREES, 758, 3292).limits()
    assert (lower[0], upper[0]) == pytest.approx((-1267 * 360 / 4095, 1267 * 360 / 4095))


def test_a_reversed_joint_in_degrees_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"joint\.drive_mode"):
        scale(Unit.DEGREES, drive_mode=1)
