"""Finding servos whose id and baud rate nobody knows."""

from collections.abc import Sequence

import pytest

from hilt_hooks import ConnectError
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serving
from hilt_motor_feetech.scan import Found, scan


def found(*servos: EmulatedServo, rates: Sequence[int] = (1_000_000, 250_000, 57_600)) -> list[Found]:
    bus = PtyBus(ServoChain(servos, FirstOrderPlant()))
    with serving(bus):
        return scan(bus.port, rates)


def test_motors_are_found_at_the_rate_that_each_has() -> None:
    servos = (EmulatedServo(1), EmulatedServo(7, registers={"Baud_Rate": 2}), EmulatedServo(200, registers={"Baud_Rate": 5}))
    assert found(*servos) == [
        Found(1_000_000, {1: 777}, garbled=False),
        Found(250_000, {7: 777}, garbled=False),
        Found(57_600, {200: 777}, garbled=False),
    ]


def test_a_series_that_answers_no_broadcast_is_found_by_its_id() -> None:
    assert found(EmulatedServo(3, "scs0009"), rates=(1_000_000,)) == [Found(1_000_000, {3: 1284}, garbled=False)]


def test_two_motors_with_one_id_are_noticed_when_they_differ() -> None:
    twins = (EmulatedServo(1), EmulatedServo(1, "sts3250"))
    (seen,) = found(*twins, rates=(1_000_000,))
    assert seen.garbled
    assert seen.models == {1: None}


def test_an_answer_that_comes_late_is_of_the_motor_that_sent_it() -> None:
    """Each comes while the next motor is asked, the last one while nobody is."""
    bus = PtyBus(ServoChain([EmulatedServo(1), EmulatedServo(2)], FirstOrderPlant()))
    bus.chain.faults.delay_ms = 70
    with serving(bus):
        assert scan(bus.port, [1_000_000], range(1, 8)) == [Found(1_000_000, {1: 777, 2: 777}, garbled=False)]


def test_nobody_is_an_empty_list() -> None:
    servo = EmulatedServo(1, registers={"Baud_Rate": 7})
    assert found(servo) == []


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(ConnectError, match="no such port"):
        scan("/dev/nowhere")
