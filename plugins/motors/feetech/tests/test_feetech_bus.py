"""The bus over the emulated wire."""

import os
import pty
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator

import pytest

from hilt_hooks import ConfigError, ConnectError, DeviceLost
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serving
from hilt_motor_feetech.table import FIRST_SRAM_ADDRESS

MOTORS = {"pan": Motor(1), "lift": Motor(2), "grip": Motor(3)}
SECOND_NS = 1_000_000_000


def soon() -> int:
    return time.monotonic_ns() + SECOND_NS


@pytest.fixture
def twin() -> Iterator[PtyBus]:
    plant = FirstOrderPlant({1: 1001, 2: 2002, 3: 3003})
    bus = PtyBus(ServoChain([EmulatedServo(motor.id) for motor in MOTORS.values()], plant))
    with serving(bus):
        yield bus


@pytest.fixture
def bus(twin: PtyBus) -> Iterator[FeetechBus]:
    bus = FeetechBus(twin.port, MOTORS)
    bus.open()
    yield bus
    bus.close()


def test_sync_read(bus: FeetechBus) -> None:
    assert bus.sync_read("Present_Position", soon()) == {"pan": 1001, "lift": 2002, "grip": 3003}


def test_a_silent_motor_is_none_and_the_others_are_not(bus: FeetechBus, twin: PtyBus) -> None:
    twin.chain.faults.dead.add(2)
    assert bus.sync_read("Present_Position", soon()) == {"pan": 1001, "lift": None, "grip": 3003}


def test_a_deadline_in_the_past_gives_none(bus: FeetechBus, twin: PtyBus) -> None:
    twin.chain.faults.dead.update((1, 2, 3))
    assert bus.sync_read("Present_Position", time.monotonic_ns() - SECOND_NS) == dict.fromkeys(MOTORS)


def test_damaged_answers_are_asked_for_again(bus: FeetechBus, twin: PtyBus) -> None:
    right = {"pan": 1001, "lift": 2002, "grip": 3003}
    twin.chain.faults.corrupt = 0.3
    for _ in range(30):
        answers = bus.sync_read("Present_Position", soon(), retries=20)
        assert answers == right


def test_without_retries_a_damaged_answer_is_none_never_wrong(bus: FeetechBus, twin: PtyBus) -> None:
    right = {"pan": 1001, "lift": 2002, "grip": 3003}
    twin.chain.faults.corrupt = 0.5
    seen = [bus.sync_read("Present_Position", soon(), retries=0) for _ in range(30)]
    assert all(answer in (None, right[name]) for each in seen for name, answer in each.items())
    assert any(None in each.values() for each in seen)


def test_single_registers(bus: FeetechBus, twin: PtyBus) -> None:
    assert bus.ping("lift") == bus.expected_model("lift") == 777
    bus.write("Homing_Offset", "grip", -1470)
    assert bus.read("Homing_Offset", "grip") == twin.chain.servos[3].get("Homing_Offset") == -1470


def test_single_registers_survive_damage(bus: FeetechBus, twin: PtyBus) -> None:
    twin.chain.faults.corrupt = 0.2
    for value in range(10):
        bus.write("P_Coefficient", "pan", value, within_s=20)
        assert bus.read("P_Coefficient", "pan", within_s=20) == value


def test_a_value_that_is_not_kept_is_an_error(bus: FeetechBus) -> None:
    with pytest.raises(DeviceLost, match=r"grip \(id 3\) keeps Present_Voltage = 120, not 50"):
        bus.write("Present_Voltage", "grip", 50)


class Worn(EmulatedServo):
    """Counts what is written to its EEPROM. stubborn: acknowledges it and keeps what it has."""

    writes, stubborn = 0, False

    def store(self, address: int, data: bytes) -> None:
        self.writes += address < FIRST_SRAM_ADDRESS
        if not self.stubborn:
            super().store(address, data)


@pytest.fixture
def worn() -> Iterator[tuple[Worn, ServoChain, FeetechBus]]:
    servo = Worn(1)
    chain = ServoChain([servo], FirstOrderPlant())
    twin = PtyBus(chain)
    with serving(twin):
        bus = FeetechBus(twin.port, {"pan": Motor(1)})
        bus.open()
        yield servo, chain, bus
        bus.close()


def test_what_is_written_already_is_not_written_again_because_an_answer_was_lost(
    worn: tuple[Worn, ServoChain, FeetechBus],
) -> None:
    servo, chain, bus = worn
    chain.faults.drop = 0.7
    for value in range(10):
        bus.write("P_Coefficient", "pan", value, within_s=20)
    assert servo.get("P_Coefficient") == 9
    assert servo.writes == 10


def test_a_motor_that_keeps_another_value_is_not_worn_out(worn: tuple[Worn, ServoChain, FeetechBus]) -> None:
    servo, _, bus = worn
    servo.stubborn = True
    with pytest.raises(DeviceLost, match="keeps P_Coefficient = 32, not 16"):
        bus.write("P_Coefficient", "pan", 16)
    assert servo.writes == 3


def test_a_motor_that_does_not_answer_is_named(bus: FeetechBus, twin: PtyBus) -> None:
    twin.chain.faults.dead.add(1)
    assert bus.ping("pan", within_s=0.01) is None
    with pytest.raises(DeviceLost, match=r"pan \(id 1\) does not answer"):
        bus.read("Present_Voltage", "pan", within_s=0.01)


def test_goals_are_the_golden_bytes() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    bus = FeetechBus(os.ttyname(slave), MOTORS)
    bus.open()
    try:
        bus.sync_write("Goal_Position", {"pan": 2048, "lift": 1024, "grip": 3000})
        assert os.read(master, 64) == bytes.fromhex("FF FF FE 0D 83 2A 02 01 00 08 02 00 04 03 B8 0B 70")
    finally:
        bus.close()
        os.close(slave)
        os.close(master)


def test_values_that_do_not_fit_are_not_sent(bus: FeetechBus, twin: PtyBus) -> None:
    with pytest.raises(ValueError, match="Goal_Position"):
        bus.sync_write("Goal_Position", {"pan": 2048, "lift": 40_000, "grip": 0})
    assert bus.sync_read("Goal_Position", soon()) == dict.fromkeys(MOTORS, 0)


def test_unplugging_is_a_loss_that_names_the_port(bus: FeetechBus, twin: PtyBus) -> None:
    port = twin.port
    twin.unplug()
    with pytest.raises(DeviceLost, match=port):
        bus.sync_read("Present_Position", soon())
    with pytest.raises(DeviceLost, match=port):
        bus.sync_write("Goal_Position", {"pan": 1})
    with pytest.raises(DeviceLost, match=port):
        bus.read("Present_Voltage", "pan")
    bus.close()
    bus.close()


def test_a_bus_that_was_never_opened_says_so() -> None:
    with pytest.raises(DeviceLost, match="not connected"):
        FeetechBus("/dev/nowhere", MOTORS).sync_read("Present_Position", soon())


def test_a_missing_port_is_named() -> None:
    with pytest.raises(ConnectError, match=r"/dev/nowhere: no such port"):
        FeetechBus("/dev/nowhere", MOTORS).open()


def test_the_second_opener_is_told_who_has_the_port(bus: FeetechBus) -> None:
    with pytest.raises(ConnectError, match=rf"{bus.port}: in use by this very program \(process {os.getpid()}\)"):
        FeetechBus(bus.port, MOTORS).open()


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="only Linux tells which process holds a lock")
def test_another_process_is_told_our_process_id(bus: FeetechBus) -> None:
    script = f"from hilt_motor_feetech.bus import FeetechBus; FeetechBus({bus.port!r}, {{}}).open()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"{bus.port}: in use by process {os.getpid()}" in done.stderr


def test_two_motors_with_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="same id"):
        FeetechBus("/dev/nowhere", {"pan": Motor(1), "lift": Motor(1)})


def test_single_registers_give_up_in_time(bus: FeetechBus, twin: PtyBus) -> None:
    """However many answers come damaged: no more attempts are begun once the time is up."""
    twin.chain.faults.corrupt = 1.0
    for call in (lambda: bus.read("Present_Voltage", "pan", within_s=0.05), lambda: bus.write("Lock", "pan", 1, within_s=0.05)):
        with pytest.raises(DeviceLost, match=r"pan \(id 1\) does not answer"):
            call()


def test_the_error_bits_of_every_answer_are_kept(bus: FeetechBus, twin: PtyBus) -> None:
    assert set(bus.errors.values()) == {0}
    twin.chain.faults.overloaded.add(2)
    bus.sync_read("Present_Position", soon())
    assert bus.errors == {"pan": 0, "lift": 0x20, "grip": 0}


def test_slow_answers_are_waited_for(bus: FeetechBus, twin: PtyBus) -> None:
    twin.chain.faults.delay_ms = 15
    assert None not in bus.sync_read("Present_Position", soon()).values()
    assert bus.read("Present_Voltage", "lift") == 120


LATE_MS, TEMPERATURE, VOLTAGE = 80, 35, 120


def give_up_a_single_read(bus: FeetechBus) -> None:
    with pytest.raises(DeviceLost, match="does not answer"):
        bus.read("Present_Temperature", "lift", within_s=LATE_MS / 4000)


def give_up_a_sync_read(bus: FeetechBus) -> None:
    within_ns = LATE_MS * 1_000_000 // 4
    assert set(bus.sync_read("Present_Temperature", time.monotonic_ns() + within_ns).values()) == {None}


def give_up_a_write(bus: FeetechBus) -> None:
    with pytest.raises(DeviceLost, match="does not answer"):
        bus.write("Acceleration", "lift", TEMPERATURE, within_s=LATE_MS / 4000)


def read_one(bus: FeetechBus) -> int | None:
    return bus.read("Present_Voltage", "lift")


def read_all(bus: FeetechBus) -> int | None:
    return bus.sync_read("Present_Voltage", soon())["lift"]


def write_and_read_one(bus: FeetechBus) -> int | None:
    bus.write("Torque_Limit", "lift", 500)
    return bus.read("Present_Voltage", "lift")


@pytest.mark.parametrize("give_up", [give_up_a_single_read, give_up_a_sync_read, give_up_a_write])
@pytest.mark.parametrize("ask", [read_one, read_all, write_and_read_one])
def test_an_answer_that_comes_too_late_is_not_taken_for_that_to_the_next_question(
    bus: FeetechBus, twin: PtyBus, give_up: Callable[[FeetechBus], None], ask: Callable[[FeetechBus], int | None]
) -> None:
    for id in twin.chain.servos:
        twin.chain.faults.hot[id] = TEMPERATURE
    assert bus.read("Present_Voltage", "lift") == VOLTAGE
    twin.chain.faults.delay_ms = LATE_MS
    give_up(bus)
    twin.chain.faults.delay_ms = 0
    assert ask(bus) == VOLTAGE
    assert ask(bus) == VOLTAGE


@pytest.mark.parametrize("latency_ms", [20, 45, 60, 80])
def test_an_adapter_that_is_always_slow_mixes_nothing_up(bus: FeetechBus, twin: PtyBus, latency_ms: int) -> None:
    for id in twin.chain.servos:
        twin.chain.faults.hot[id] = TEMPERATURE
    twin.chain.faults.delay_ms = latency_ms
    bus.write("Torque_Limit", "lift", 500, within_s=2)
    for _ in range(2):
        assert bus.read("Present_Temperature", "lift", within_s=2) == TEMPERATURE
        assert bus.read("Present_Voltage", "lift", within_s=2) == VOLTAGE
        assert bus.sync_read("Torque_Limit", soon(), retries=9)["lift"] == 500
        assert bus.sync_read("Present_Position", soon(), retries=9)["lift"] == 2002


def test_one_that_takes_most_of_the_time_there_is_still_gives_all_positions(bus: FeetechBus, twin: PtyBus) -> None:
    """The first attempt is given up, and its answers then come in the second."""
    bus.sync_read("Present_Position", soon())
    twin.chain.faults.delay_ms = 60
    for _ in range(5):
        answers = bus.sync_read("Present_Position", time.monotonic_ns() + 90_000_000)
        assert answers == {"pan": 1001, "lift": 2002, "grip": 3003}


@pytest.mark.parametrize("dead", [1, 2, 3])
def test_whoever_is_dead_does_not_keep_the_others_from_being_heard(bus: FeetechBus, twin: PtyBus, dead: int) -> None:
    twin.chain.faults.dead.add(dead)
    for register in ("Present_Position", "Torque_Enable"):
        answers = bus.sync_read(register, soon())
        assert [motor.id for name, motor in MOTORS.items() if answers[name] is None] == [dead]


def test_a_question_that_was_interrupted_counts_as_asked(bus: FeetechBus, twin: PtyBus) -> None:
    bus.sync_write("Torque_Limit", dict.fromkeys(MOTORS, 500))
    assert bus.sync_read("Torque_Limit", soon())["lift"] == 500
    twin.chain.faults.delay_ms = LATE_MS
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, LATE_MS / 4000)
    try:
        with pytest.raises(KeyboardInterrupt):
            bus.sync_read("Torque_Limit", soon())
    finally:
        signal.signal(signal.SIGALRM, before)
    twin.chain.faults.delay_ms = 0
    assert bus.sync_read("Present_Position", soon()) == {"pan": 1001, "lift": 2002, "grip": 3003}


def test_answers_to_whoever_had_the_port_before_are_not_taken_for_ones_own(bus: FeetechBus, twin: PtyBus) -> None:
    bus.read("Present_Voltage", "lift")
    twin.chain.faults.delay_ms = LATE_MS
    give_up_a_single_read(bus)
    twin.chain.faults.delay_ms = 0
    successor = FeetechBus(twin.port, MOTORS)
    bus.close()
    successor.open()
    assert successor.read("Present_Voltage", "lift") == VOLTAGE
    successor.close()


def test_eight_motors_on_one_bus() -> None:
    """As in leaders with seven joints and a gripper."""
    motors = {f"joint_{id}": Motor(id) for id in range(1, 9)}
    twin = PtyBus(ServoChain([EmulatedServo(id) for id in range(1, 9)], FirstOrderPlant({id: 1000 + id for id in range(1, 9)})))
    bus = FeetechBus(twin.port, motors)
    with serving(twin):
        bus.open()
        assert bus.sync_read("Present_Position", soon()) == {f"joint_{id}": 1000 + id for id in range(1, 9)}
        bus.sync_write("Goal_Position", {f"joint_{id}": 2000 + id for id in range(1, 9)})
        assert bus.sync_read("Goal_Position", soon()) == {f"joint_{id}": 2000 + id for id in range(1, 9)}
        bus.close()


def test_the_scs_series_keeps_the_high_byte_first_and_is_asked_one_by_one() -> None:
    motors = {"pan": Motor(1, "scs0009"), "tilt": Motor(2, "scs0009")}
    plant = FirstOrderPlant({1: 300, 2: 700})
    twin = PtyBus(ServoChain([EmulatedServo(id, "scs0009") for id in (1, 2)], plant))
    bus = FeetechBus(twin.port, motors)
    with serving(twin):
        bus.open()
        assert bus.ping("pan") == bus.expected_model("pan") == 1284
        assert bus.sync_read("Present_Position", soon()) == {"pan": 300, "tilt": 700}
        bus.write("Lock", "tilt", 0)
        bus.sync_write("Goal_Position", {"pan": 258, "tilt": 515})
        assert bus.sync_read("Goal_Position", soon()) == {"pan": 258, "tilt": 515}
        assert twin.chain.servos[1].load(42, 2) == b"\x01\x02"
        twin.chain.faults.dead.add(1)
        assert bus.sync_read("Present_Position", soon())["pan"] is None
        bus.close()


def test_series_that_cannot_share_a_bus_are_refused() -> None:
    with pytest.raises(ConfigError, match="SCS and STS/SMS cannot share a bus"):
        FeetechBus("/dev/nowhere", {"pan": Motor(1), "tilt": Motor(2, "scs0009")})
    with pytest.raises(ConfigError, match="pan: model 'sts3125' is not one of sts3215"):
        FeetechBus("/dev/nowhere", {"pan": Motor(1, "sts3125")})
