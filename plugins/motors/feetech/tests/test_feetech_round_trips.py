"""Every encoding and every normalisation, there and back, with whatever numbers there are."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hilt_hooks import ConfigError, SafetyStop
from hilt_motor_feetech import codec
from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant
from hilt_motor_feetech.table import BAUD_RATES, MODELS, REGISTERS, SCS_REGISTERS, STEPS, Register
from hilt_motor_feetech.units import Scale, Unit

ALL_REGISTERS = (*REGISTERS.values(), *SCS_REGISTERS.values())
SIGNED = [register for register in REGISTERS.values() if register.sign_bit is not None]
NOT_FINITE = (math.nan, math.inf, -math.inf)

registers = st.sampled_from(ALL_REGISTERS)
ranges = st.tuples(st.integers(0, STEPS - 1), st.integers(0, STEPS - 1)).filter(lambda ends: ends[0] < ends[1])
units = st.sampled_from(Unit)
any_float = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def joints(draw: st.DrawFn) -> tuple[Unit, MotorCalibration]:
    """A unit, and a calibration that it gives sense to."""
    unit, (lower, upper) = draw(units), draw(ranges)
    drive_mode = 0 if unit is Unit.DEGREES else draw(st.integers(0, 1))
    return unit, MotorCalibration(1, drive_mode, draw(st.integers(-2047, 2047)), lower, upper)


def scale(*drawn: tuple[Unit, MotorCalibration]) -> Scale:
    names = [f"joint_{number}" for number in range(len(drawn))]
    calibration = {name: motor for name, (_, motor) in zip(names, drawn, strict=True)}
    return Scale.of([(name, unit) for name, (unit, _) in zip(names, drawn, strict=True)], calibration)


def lowest(register: Register) -> int:
    return 0 if register.sign_bit is None else -register.largest


@given(st.data(), registers)
def test_values_survive_every_register(data: st.DataObject, register: Register) -> None:
    value = data.draw(st.integers(lowest(register), register.largest))
    packed = codec.encode(register, value)
    assert len(packed) == register.size
    assert codec.decode(register, packed) == value
    assert codec.from_raw(register, codec.to_raw(register, value)) == value


@given(registers, st.integers())
def test_what_does_not_fit_is_never_cut_to_fit(register: Register, value: int) -> None:
    assume(not lowest(register) <= value <= register.largest)
    with pytest.raises(ValueError, match="does not fit"):
        codec.encode(register, value)


@given(st.data(), registers)
def test_any_bytes_are_some_value_that_fits_or_has_unused_bits(data: st.DataObject, register: Register) -> None:
    """What a servo may send: read, it is a number that could be written again; -0 is 0."""
    packed = data.draw(st.binary(min_size=register.size, max_size=register.size))
    value = codec.decode(register, packed)
    assert lowest(register) <= value <= register.largest
    assert codec.decode(register, codec.encode(register, value)) == value


@pytest.mark.parametrize("register", SIGNED, ids=lambda register: register.name)
def test_sign_and_magnitude(register: Register) -> None:
    sign = 1 << register.sign_bit
    assert codec.to_raw(register, -1) == sign | 1
    assert codec.to_raw(register, -register.largest) == sign | register.largest
    assert codec.from_raw(register, sign) == 0


@pytest.mark.parametrize(("table", "expected"), [(REGISTERS, b"\x02\x01"), (SCS_REGISTERS, b"\x01\x02")])
def test_the_order_of_bytes(table: Mapping[str, Register], expected: bytes) -> None:
    assert codec.encode(table["Goal_Position"], 0x0102) == expected


@pytest.mark.parametrize("model", MODELS)
def test_registers_do_not_overlap(model: str) -> None:
    rows = sorted(MODELS[model].series.registers.values(), key=lambda row: row.address)
    taken = [address for row in rows for address in range(row.address, row.address + row.size)]
    assert len(taken) == len(set(taken))


def test_baud_rates_are_told_by_their_codes() -> None:
    assert len(set(BAUD_RATES.values())) == len(BAUD_RATES) == 8


@given(st.integers(-2047, 2047), st.floats(0, STEPS - 1))
def test_the_homing_offset_is_taken_off_and_put_back(offset: int, at: float) -> None:
    """Told to go to what it reports, a servo stays within a step of where it is, at the end of a turn too."""
    plant = FirstOrderPlant({1: at}, clock=lambda: 0)
    servo = EmulatedServo(1, registers={"Homing_Offset": offset})
    servo.measure(plant)
    reported = servo.get("Present_Position")
    assert reported == (round(at) - offset) % STEPS
    servo.set("Goal_Position", reported)
    servo.set("Torque_Enable", 1)
    servo.drive(plant)
    assert plant._shafts[1].goal == pytest.approx(at, abs=1)


@given(joints(), st.floats(0, 1))
def test_steps_in_the_range_survive(drawn: tuple[Unit, MotorCalibration], where: float) -> None:
    motor, made = drawn[1], scale(drawn)
    steps = round(motor.range_min + where * (motor.range_max - motor.range_min))
    assert made.steps(made.values(np.array([float(steps)]))).tolist() == [steps]


@given(joints(), st.floats(0, 1))
def test_values_in_the_range_survive_to_half_a_step(drawn: tuple[Unit, MotorCalibration], where: float) -> None:
    made = scale(drawn)
    lower, upper = (float(end[0]) for end in made.limits())
    value = lower + where * (upper - lower)
    again = float(made.values(made.steps(np.array([value])).astype(float))[0])
    assert abs(again - value) <= abs(float(made.gain[0])) / 2 + 1e-9


@given(joints(), st.integers(0, STEPS - 1))
def test_percentages_stay_between_their_ends_and_degrees_do_not(drawn: tuple[Unit, MotorCalibration], steps: int) -> None:
    unit, made = drawn[0], scale(drawn)
    value = float(made.values(np.array([float(steps)]))[0])
    lower, upper = (float(end[0]) for end in made.limits())
    if unit is Unit.DEGREES:
        middle = (drawn[1].range_min + drawn[1].range_max) / 2
        assert value == pytest.approx((steps - middle) * 360 / 4095)
    else:
        assert lower - 1e-9 <= value <= upper + 1e-9


@given(st.sampled_from((Unit.RANGE_0_100, Unit.RANGE_M100_100)), ranges, st.integers(0, STEPS - 1))
def test_drive_mode_turns_percentages_around(unit: Unit, ends: tuple[int, int], steps: int) -> None:
    plain, turned = (scale((unit, MotorCalibration(1, mode, 0, *ends))) for mode in (0, 1))
    value, other = (float(each.values(np.array([float(steps)]))[0]) for each in (plain, turned))
    assert value + other == pytest.approx(100.0 if unit is Unit.RANGE_0_100 else 0.0, abs=1e-9)


@given(ranges)
def test_drive_mode_in_degrees_is_refused(ends: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="drive_mode"):
        scale((Unit.DEGREES, MotorCalibration(1, 1, 0, *ends)))


@given(st.lists(joints(), min_size=1, max_size=8), st.data())
def test_one_number_that_is_none_and_nothing_is_converted(
    drawn: list[tuple[Unit, MotorCalibration]], data: st.DataObject
) -> None:
    values = data.draw(st.lists(any_float, min_size=len(drawn), max_size=len(drawn)))
    made = scale(*drawn)
    wrong = [name for name, value in zip(made.names, values, strict=True) if not math.isfinite(value)]
    if not wrong:
        assert (made.steps(np.array(values)) >= made.lower).all()
        assert (made.steps(np.array(values)) <= made.upper).all()
        return
    with pytest.raises(SafetyStop) as caught:
        made.steps(np.array(values))
    assert all(name in str(caught.value) for name in wrong)


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("value", [1.7e308, -1.7e308])
def test_the_largest_numbers_end_at_the_range(unit: Unit, value: float) -> None:
    made = scale((unit, MotorCalibration(1, 0, 0, 1000, 3000)))
    assert made.steps(np.array([value])).tolist() == [3000 if value > 0 else 1000]


@given(st.lists(joints(), min_size=1, max_size=8), st.data())
def test_a_missing_position_stays_missing_and_alone(drawn: list[tuple[Unit, MotorCalibration]], data: st.DataObject) -> None:
    made = scale(*drawn)
    steps = np.array(data.draw(st.lists(st.integers(0, STEPS - 1), min_size=len(drawn), max_size=len(drawn))), dtype=float)
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(drawn), max_size=len(drawn))))
    values = made.values(np.where(gone, np.nan, steps))
    assert np.isnan(values).tolist() == gone.tolist()
    assert np.allclose(values[~gone], made.values(steps)[~gone])
