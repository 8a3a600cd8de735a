"""From a sweep to a calibration, wherever on the encoder it lies."""

import pytest

from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.sweep import DEGREES, Track, calibration_of_sweep, calibration_of_turning, problem_of_sweep

STEPS = 4096


def reported(calibration: MotorCalibration, actual: int) -> int:
    """As the servo has it."""
    return (actual - calibration.homing_offset) % STEPS


@pytest.mark.parametrize("span", [200, 2200, 4094, 4095])
@pytest.mark.parametrize("start", [0, 1, 1000, 2047, 2048, 4095])
@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_no_sweep_crosses_the_end_of_what_is_reported(span: int, start: int, part: float) -> None:
    """Wherever in the range, and wherever on the encoder, it was begun."""
    lowest = -round(part * span)
    made = calibration_of_sweep(3, start, lowest, lowest + span)
    assert -2047 <= made.homing_offset <= 2047
    assert 0 <= made.range_min < made.range_max <= STEPS - 1
    assert (reported(made, start + lowest + 1), reported(made, start + lowest + span - 1)) == (
        pytest.approx(made.range_min + 1, abs=1),
        pytest.approx(made.range_max - 1, abs=1),
    )


def test_the_middle_is_the_middle_whatever_the_start() -> None:
    made = {calibration_of_sweep(1, (3000 + begun) % STEPS, -1100 - begun, 1100 - begun) for begun in range(-1100, 1101, 50)}
    assert made == {MotorCalibration(id=1, drive_mode=0, homing_offset=953, range_min=947, range_max=3147)}


@pytest.mark.parametrize("actual", [0, 2047, 4094, 4095])
def test_a_joint_that_turns_has_its_zero_where_it_was(actual: int) -> None:
    made = calibration_of_turning(5, actual)
    assert (made.range_min, made.range_max) == (0, STEPS - 1)
    assert reported(made, actual) == pytest.approx(2047, abs=1)


def test_a_track_goes_on_across_the_end_of_a_turn() -> None:
    track = Track.begun(4000, 0)
    for at in (4090, 50, 900, 4090, 3000):
        track.follow(at, 1)
    assert track.at == 3000 - 4000


@pytest.mark.parametrize(("span", "said"), [(0, "0.0 deg only"), (100, "8.8 deg only"), (4096, "more than a whole turn")])
def test_a_range_that_cannot_be_is_refused(span: int, said: str) -> None:
    assert said in problem_of_sweep("elbow", 0, span)


def test_a_range_that_can_be_is_not() -> None:
    assert problem_of_sweep("elbow", -round(60 / DEGREES), round(60 / DEGREES)) == ""
