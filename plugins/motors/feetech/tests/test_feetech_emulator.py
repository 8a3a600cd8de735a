"""The emulated chain: registers, timing, faults, and other people's software on its port."""

from collections.abc import Mapping

import pytest
import scservo_sdk
import serial

from hilt_motor_feetech import codec
from hilt_motor_feetech.codec import BROADCAST, Instruction, Packet
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serving
from hilt_motor_feetech.table import MULTI_TURN_PHASE, REGISTERS

BYTE_NS = 10_000


class Clock:
    """Time that only tests move."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def __call__(self) -> int:
        return self.ns


class Wire:
    """A chain with answers as packets, without a pty."""

    def __init__(self, *servos: EmulatedServo, wire_timing: bool = False, positions: Mapping[int, float] | None = None) -> None:
        self.clock = Clock()
        self.plant = FirstOrderPlant(positions, clock=self.clock)
        self.chain = ServoChain(servos or [EmulatedServo(1), EmulatedServo(2)], self.plant, wire_timing=wire_timing)

    def send(self, request: bytes) -> None:
        self.chain.receive(request, self.clock.ns)

    def answers(self) -> list[Packet]:
        return list(codec.take_packets(bytearray(self.chain.due(self.clock.ns))))

    def ask(self, id: int, code: int, data: bytes = b"") -> list[Packet]:
        self.send(codec.packet(id, code, data))
        return self.answers()

    def get(self, id: int, name: str) -> int:
        register = REGISTERS[name]
        (answer,) = self.ask(id, Instruction.READ, bytes((register.address, register.size)))
        return codec.decode(register, answer.data)

    def put(self, id: int, name: str, value: int) -> list[Packet]:
        register = REGISTERS[name]
        return self.ask(id, Instruction.WRITE, bytes((register.address,)) + codec.encode(register, value))

    def settle(self) -> None:
        self.clock.ns += 10_000_000_000


def test_ping_read_and_write_are_answered() -> None:
    wire = Wire()
    assert wire.ask(1, Instruction.PING) == [Packet(1, 0, b"")]
    assert wire.put(2, "Goal_Position", -5) == [Packet(2, 0, b"")]
    assert wire.get(2, "Goal_Position") == -5
    assert wire.ask(9, Instruction.PING) == []
    assert wire.ask(BROADCAST, Instruction.PING) == [Packet(1, 0, b""), Packet(2, 0, b"")]


def test_sync_read_answers_in_the_order_asked() -> None:
    wire = Wire(positions={1: 1000, 2: 3000})
    wire.send(codec.sync_read(REGISTERS["Present_Position"], (2, 1)))
    assert [(each.id, codec.decode(REGISTERS["Present_Position"], each.data)) for each in wire.answers()] == [
        (2, 3000),
        (1, 1000),
    ]


def test_answers_take_the_time_of_the_wire() -> None:
    wire = Wire(EmulatedServo(1, registers={"Return_Delay_Time": 250}), EmulatedServo(2), wire_timing=True)
    wire.send(codec.sync_read(REGISTERS["Present_Position"], (1, 2)))
    first = wire.clock.ns + 10 * BYTE_NS + 500_000 + 8 * BYTE_NS
    assert wire.chain.next_due_ns() == first
    wire.clock.ns = first - 1
    assert wire.answers() == []
    wire.clock.ns = first
    assert [each.id for each in wire.answers()] == [1]
    assert wire.chain.next_due_ns() == first + 500_000 + 8 * BYTE_NS


def test_a_goal_waits_for_torque_and_is_then_taken_as_it_is() -> None:
    wire = Wire()
    wire.put(1, "Goal_Position", 3000)
    wire.settle()
    assert wire.get(1, "Present_Position") == 2048
    wire.put(1, "Torque_Enable", 1)
    wire.settle()
    assert wire.get(1, "Present_Position") == 3000
    wire.put(1, "Torque_Enable", 0)
    wire.plant.push(1, 2500)
    wire.settle()
    assert wire.get(1, "Present_Position") == 2500


def test_goals_and_positions_are_less_the_homing_offset() -> None:
    wire = Wire(EmulatedServo(1, registers={"Homing_Offset": -1470}), positions={1: 500})
    assert wire.get(1, "Present_Position") == 1970
    wire.put(1, "Goal_Position", 2047)
    wire.put(1, "Torque_Enable", 1)
    wire.settle()
    assert wire.plant.position(1) == pytest.approx(577)


def test_goals_end_at_the_position_limits() -> None:
    wire = Wire(EmulatedServo(1, registers={"Min_Position_Limit": 1900, "Max_Position_Limit": 2100}))
    wire.put(1, "Goal_Position", 4000)
    wire.put(1, "Torque_Enable", 1)
    wire.settle()
    assert wire.get(1, "Present_Position") == 2100


def test_positions_wrap_within_one_turn_unless_phase_says_otherwise() -> None:
    wire = Wire(EmulatedServo(1), EmulatedServo(2, registers={"Phase": MULTI_TURN_PHASE}), positions={1: 4100, 2: -10})
    assert (wire.get(1, "Present_Position"), wire.get(2, "Present_Position")) == (4, -10)


def test_the_eeprom_forgets_what_was_written_while_locked() -> None:
    wire = Wire()
    servo = wire.chain.servos[1]
    wire.put(1, "P_Coefficient", 7)
    assert wire.get(1, "P_Coefficient") == 7
    servo.power_up()
    assert wire.get(1, "P_Coefficient") == 32
    wire.put(1, "Lock", 0)
    wire.put(1, "P_Coefficient", 7)
    servo.power_up()
    assert (wire.get(1, "P_Coefficient"), wire.get(1, "Lock")) == (7, 1)


def test_reg_write_waits_for_action() -> None:
    wire = Wire()
    wire.ask(1, Instruction.REG_WRITE, bytes((42,)) + codec.encode(REGISTERS["Goal_Position"], 77))
    assert wire.get(1, "Goal_Position") == 0
    assert wire.ask(BROADCAST, Instruction.ACTION) == []
    assert wire.get(1, "Goal_Position") == 77


def test_a_servo_answers_to_its_new_id() -> None:
    wire = Wire()
    assert wire.put(1, "ID", 6) == [Packet(1, 0, b"")]
    assert wire.ask(6, Instruction.PING) == [Packet(6, 0, b"")]
    assert wire.ask(1, Instruction.PING) == []


def test_sync_writes_of_goals_are_told_with_their_time() -> None:
    wire, seen = Wire(), []
    wire.chain.on_sync_write.append(lambda now_ns, goals: seen.append((now_ns, dict(goals))))
    whole = codec.sync_write(REGISTERS["Goal_Position"], {1: 2048, 2: -1})
    wire.send(whole[:5])
    wire.clock.ns += 1_000_000
    wire.send(whole[5:] + codec.sync_write(REGISTERS["Torque_Enable"], {1: 1, 2: 1}))
    assert seen == [(wire.clock.ns, {1: 2048, 2: -1})]
    assert wire.answers() == []


def test_an_overloaded_servo_says_so_and_pushes_less() -> None:
    wire = Wire()
    wire.put(1, "Goal_Position", 4000)
    wire.put(1, "Torque_Enable", 1)
    assert wire.get(1, "Present_Load") == 1000
    wire.chain.faults.overloaded.add(1)
    (answer,) = wire.ask(1, Instruction.PING)
    assert answer.code == 0x20
    assert (wire.get(1, "Present_Load"), wire.get(1, "Status")) == (200, 0x20)


def test_faults_damage_and_swallow_answers() -> None:
    wire = Wire()
    wire.chain.faults.corrupt = 1.0
    assert wire.ask(1, Instruction.PING) == []
    wire.chain.faults.corrupt, wire.chain.faults.drop = 0.0, 1.0
    assert wire.ask(1, Instruction.PING) == []
    wire.chain.faults.drop = 0.0
    wire.chain.faults.dead.add(1)
    assert wire.ask(1, Instruction.PING) == []
    assert wire.ask(2, Instruction.PING) == [Packet(2, 0, b"")]


def test_half_a_packet_is_forgotten_after_a_pause() -> None:
    wire = Wire()
    wire.send(codec.packet(1, Instruction.PING)[:4])
    wire.clock.ns += 100_000_000
    assert wire.ask(1, Instruction.PING) == [Packet(1, 0, b"")]


def test_feetechs_sdk_talks_to_it() -> None:
    bus = PtyBus(ServoChain([EmulatedServo(id) for id in (1, 2, 3)], FirstOrderPlant({1: 1000, 2: 2000, 3: 3000})))
    with serving(bus):
        port, handler = scservo_sdk.PortHandler(bus.port), scservo_sdk.PacketHandler(0)
        assert port.openPort()
        try:
            assert handler.ping(port, 2) == (777, 0, 0)
            assert handler.write1ByteTxRx(port, 1, 7, 0) == (0, 0)
            group = scservo_sdk.GroupSyncRead(port, handler, 56, 2)
            for id in (1, 2, 3):
                group.addParam(id)
            assert group.txRxPacket() == scservo_sdk.COMM_SUCCESS
            assert [group.getData(id, 56, 2) for id in (1, 2, 3)] == [1000, 2000, 3000]
        finally:
            port.closePort()


def test_the_port_goes_and_comes_back_under_its_link(tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("dev") / "arm"
    bus = PtyBus(ServoChain([EmulatedServo(1)], FirstOrderPlant()), link=link)
    with serving(bus):
        bus.unplug()
        bus.unplug()
        assert not link.exists()
        assert bus.fileno() == -1
        bus.replug()
        bus.replug()
        with serial.Serial(bus.port, 1_000_000, timeout=5) as port:
            port.write(codec.packet(1, Instruction.PING))
            assert port.read(6) == codec.packet(1, 0)
    assert not link.exists()
