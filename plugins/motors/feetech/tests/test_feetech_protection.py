"""How emulated servos look after themselves, and what supply and wire do to them."""

import pytest

from hilt_motor_feetech import codec
from hilt_motor_feetech.codec import BROADCAST, Instruction, Packet
from hilt_motor_feetech.emulator import LOW_VOLTAGE, EmulatedServo, FirstOrderPlant, ServoChain
from hilt_motor_feetech.health import OVERCURRENT, OVERHEATED, OVERLOAD, VOLTAGE
from hilt_motor_feetech.table import REGISTERS

TICK_NS = 10_000_000


class Bench:
    """One chain, no pty, time that only the test moves."""

    def __init__(self, *servos: EmulatedServo) -> None:
        self.ns = 1_000_000_000
        self.plant = FirstOrderPlant(clock=lambda: self.ns)
        self.chain = ServoChain(servos, self.plant, wire_timing=False)

    def servo(self, id: int = 1) -> EmulatedServo:
        return self.chain.servos[id]

    def ask(self, id: int, code: int, data: bytes = b"") -> list[Packet]:
        self.chain.receive(codec.packet(id, code, data), self.ns)
        return list(codec.take_packets(bytearray(self.chain.due(self.ns))))

    def put(self, name: str, value: int, id: int = 1) -> list[Packet]:
        register = REGISTERS[name]
        return self.ask(id, Instruction.WRITE, bytes((register.address,)) + codec.encode(register, value))

    def error(self, id: int = 1) -> int:
        (answer,) = self.ask(id, Instruction.PING)
        return answer.code

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e9 / TICK_NS)):
            self.ns += TICK_NS
            self.chain.live(self.ns)

    def push_against_something(self, torque: int = 1000) -> None:
        self.plant.block(1, upper=2100)
        self.put("Torque_Limit", torque)
        self.put("Goal_Position", 3000)
        self.put("Torque_Enable", 1)


def test_an_overload_latches_after_its_time_until_the_torque_is_off() -> None:
    bench = Bench(EmulatedServo(1))
    bench.push_against_something()
    bench.wait(1.9)
    assert bench.error() == 0
    bench.wait(0.3)
    assert bench.error() == OVERLOAD
    assert bench.plant.load(1) == pytest.approx(0.2)
    bench.plant.block(1)
    bench.put("Goal_Position", 2000)
    bench.put("Torque_Enable", 1)
    bench.wait(5)
    assert bench.error() == OVERLOAD
    bench.put("Torque_Enable", 0)
    bench.put("Torque_Enable", 1)
    assert bench.error() == 0


def test_less_than_the_overload_torque_is_pushed_for_ever() -> None:
    bench = Bench(EmulatedServo(1))
    bench.push_against_something(torque=700)
    bench.wait(10)
    assert bench.error() == 0


def test_too_much_current_latches_as_well() -> None:
    bench = Bench(EmulatedServo(1, registers={"Protection_Current": 250, "Overload_Torque": 100}))
    bench.push_against_something()
    bench.wait(2.2)
    assert bench.error() == OVERCURRENT


def test_a_motor_that_works_gets_warm_and_lets_go_when_it_is_too_hot() -> None:
    bench = Bench(EmulatedServo(1, registers={"Overload_Torque": 100}))
    bench.push_against_something()
    bench.wait(120)
    warm = bench.servo().get("Present_Temperature")
    assert 45 < warm < 70
    while not bench.error():
        bench.wait(1)
    assert bench.error() == OVERHEATED
    assert bench.servo().get("Present_Temperature") == 70
    assert bench.plant.load(1) == 0
    bench.put("Torque_Enable", 0)
    bench.wait(60)
    assert bench.error() == 0


def test_a_motor_that_is_kept_hot() -> None:
    bench = Bench(EmulatedServo(1))
    bench.chain.faults.hot[1] = 72
    bench.wait(0.1)
    assert bench.error() == OVERHEATED
    assert bench.servo().get("Present_Temperature") == 72


def test_load_pulls_the_voltage_down() -> None:
    bench = Bench(EmulatedServo(1), EmulatedServo(2))
    assert bench.servo(2).get("Present_Voltage") == 120
    bench.push_against_something()
    bench.wait(0.5)
    assert bench.servo(2).get("Present_Voltage") == 117


def test_the_wrong_supply_is_an_error_of_the_motors_that_do_not_bear_it() -> None:
    bench = Bench(EmulatedServo(1), EmulatedServo(2, registers=LOW_VOLTAGE))
    bench.wait(0.1)
    assert (bench.error(1), bench.error(2)) == (0, VOLTAGE)
    bench.chain.faults.volts = 7.4
    bench.wait(0.1)
    assert (bench.error(1), bench.error(2)) == (0, 0)


def test_without_power_nobody_answers_and_afterwards_all_are_limp() -> None:
    bench = Bench(EmulatedServo(1))
    bench.put("Torque_Enable", 1)
    bench.chain.faults.volts = 2.0
    bench.wait(0.1)
    assert bench.ask(1, Instruction.PING) == []
    bench.chain.faults.volts = 12.0
    bench.wait(0.1)
    assert bench.error() == 0
    assert bench.servo().get("Torque_Enable") == 0


def test_damage_reaches_the_servos_too() -> None:
    bench = Bench(EmulatedServo(1))
    bench.chain.faults.corrupt = 1.0
    assert bench.put("Goal_Position", 77) == []
    bench.chain.faults.corrupt = 0.0
    assert bench.servo().get("Goal_Position") == 0


def test_a_wire_that_is_cut() -> None:
    bench = Bench(EmulatedServo(1))
    bench.chain.faults.cut = True
    assert bench.put("Goal_Position", 77) == []
    bench.chain.faults.cut = False
    assert bench.servo().get("Goal_Position") == 0


def test_motors_with_one_id_answer_over_each_other() -> None:
    bench = Bench(EmulatedServo(1), EmulatedServo(1))
    assert bench.ask(1, Instruction.PING) == [Packet(1, 0, b"")]  # the same bytes
    bench.chain._servos[1].set("Goal_Position", 0x0F0F)
    bench.chain._servos[0].set("Goal_Position", 0x30F0)
    assert bench.ask(1, Instruction.READ, bytes((42, 2))) == []
    assert bench.put("Goal_Position", 7) == [Packet(1, 0, b"")]
    assert [servo.get("Goal_Position") for servo in bench.chain._servos] == [7, 7]


def test_a_new_baud_rate_counts_at_once() -> None:
    bench = Bench(EmulatedServo(1))
    bench.chain.receive(codec.packet(1, Instruction.WRITE, bytes((6, 4))), bench.ns, baud=1_000_000)
    bench.chain.due(bench.ns)
    bench.chain.receive(codec.packet(1, Instruction.PING), bench.ns, baud=1_000_000)
    assert bench.chain.due(bench.ns) == b""
    bench.chain.receive(codec.packet(1, Instruction.PING), bench.ns, baud=115_200)
    assert bench.chain.due(bench.ns) == codec.packet(1, 0)


def test_a_new_id_is_kept_only_if_it_was_written_unlocked() -> None:
    bench = Bench(EmulatedServo(1))
    bench.put("ID", 5)
    assert [answer.id for answer in bench.ask(BROADCAST, Instruction.PING)] == [5]
    bench.servo(5).power_up()
    assert set(bench.chain.servos) == {1}
    bench.put("Lock", 0)
    bench.put("ID", 5)
    bench.servo(5).power_up()
    assert set(bench.chain.servos) == {5}
