"""Servos on one wire: packets in, packets out, at the pace of the wire."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define

from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.codec import BROADCAST, Instruction, Packet, decode, packet, take_packets
from hilt_motor_feetech.emulator.faults import Faults
from hilt_motor_feetech.emulator.plant import Plant
from hilt_motor_feetech.emulator.servo import EmulatedServo
from hilt_motor_feetech.table import BAUD_RATES, REGISTERS

OVERLOAD = 0x20
"""The error bit of an overloaded servo."""

_PACKET_TIMEOUT_NS = 20_000_000


@define
class _Answer:
    due_ns: int
    data: bytes


class ServoChain:
    """Servos on one wire. Bytes in with the time at which they came, bytes out when they are due."""

    def __init__(self, servos: Iterable[EmulatedServo], plant: Plant, wire_timing: bool = True) -> None:
        """wire_timing: answers take the time that baud rate and Return_Delay_Time ask for; otherwise none."""
        self.servos = {servo.id: servo for servo in servos}
        self.plant = plant
        self.faults = Faults()
        self.on_sync_write: list[Callable[[int, Mapping[int, int]], None]] = []
        self._wire_timing = wire_timing
        self._received = bytearray()
        self._received_ns = 0
        self._answers: list[_Answer] = []
        self._free_ns = 0
        self._host_baud: int | None = None
        self._overloaded: frozenset[int] = frozenset()

    def receive(self, data: bytes, now_ns: int, baud: int | None = None) -> None:
        """Take in what the host sent, at `baud` if that is known: servos set to another rate do not hear it."""
        self._host_baud = baud
        if now_ns - self._received_ns > _PACKET_TIMEOUT_NS:
            self._received.clear()
        self._received += data
        self._received_ns = now_ns
        self._notice_overload()
        for request in take_packets(self._received):
            self._free_ns = max(self._free_ns, now_ns) + self._wire_ns(len(request.data) + 6)
            self._handle(request, now_ns)

    def due(self, now_ns: int) -> bytes:
        """What has to be on the wire by now."""
        count = next((i for i, answer in enumerate(self._answers) if answer.due_ns > now_ns), len(self._answers))
        ready, self._answers = self._answers[:count], self._answers[count:]
        return b"".join(answer.data for answer in ready)

    def next_due_ns(self) -> int | None:
        return self._answers[0].due_ns if self._answers else None

    def forget(self) -> None:
        """Drop what is under way, as pulling the plug does."""
        self._answers.clear()
        self._received.clear()

    def _handle(self, request: Packet, now_ns: int) -> None:
        if request.code == Instruction.SYNC_READ and len(request.data) >= 2:
            self._sync_read(request.data)
        elif request.code == Instruction.SYNC_WRITE and len(request.data) >= 2:
            self._sync_write(request.data, now_ns)
        elif request.code == Instruction.ACTION:
            self._action(request.id)
        else:
            for servo in self._addressed(request.id):
                self._single(servo, request)

    def _single(self, servo: EmulatedServo, request: Packet) -> None:
        answers = request.id != BROADCAST and servo.get("Response_Status_Level") != 0
        id = servo.id
        match request.code, len(request.data):
            case Instruction.PING, _:
                self._answer(servo, id)
            case Instruction.READ, 2 if request.id != BROADCAST:
                self._answer(servo, id, self._load(servo, *request.data))
            case Instruction.WRITE, size if size >= 2:
                self._store(servo, request.data[0], request.data[1:])
                if answers:
                    self._answer(servo, id)
            case Instruction.REG_WRITE, size if size >= 2:
                servo.pending = (request.data[0], request.data[1:])
                if answers:
                    self._answer(servo, id)

    def _action(self, id: int) -> None:
        for servo in self._addressed(id):
            if servo.pending is not None:
                self._store(servo, *servo.pending)
                servo.pending = None

    def _sync_read(self, data: bytes) -> None:
        address, size = data[0], data[1]
        for id in data[2:]:
            for servo in self._addressed(id):
                self._answer(servo, id, self._load(servo, address, size))

    def _sync_write(self, data: bytes, now_ns: int) -> None:
        address, size = data[0], data[1]
        parts = {data[i]: data[i + 1 : i + 1 + size] for i in range(2, len(data) - size, size + 1)}
        for id, part in parts.items():
            for servo in self._addressed(id):
                self._store(servo, address, part)
        goal = REGISTERS["Goal_Position"]
        if address == goal.address and size == goal.size:
            for listener in self.on_sync_write:
                listener(now_ns, {id: decode(goal, part) for id, part in parts.items()})

    def _notice_overload(self) -> None:
        overloaded = frozenset(self.faults.overloaded)
        changed, self._overloaded = overloaded ^ self._overloaded, overloaded
        for id in changed & self.servos.keys():
            self.servos[id].drive(self.plant, id in overloaded)

    def _addressed(self, id: int) -> Sequence[EmulatedServo]:
        wanted = sorted(self.servos) if id == BROADCAST else [id]
        return [self.servos[each] for each in wanted if each in self.servos and self._hears(each)]

    def _hears(self, id: int) -> bool:
        same_rate = self._host_baud in (None, BAUD_RATES[self.servos[id].get("Baud_Rate")])
        return same_rate and id not in self.faults.dead

    def _load(self, servo: EmulatedServo, address: int, size: int) -> bytes:
        servo.measure(self.plant)
        servo.set("Status", self._error(servo))
        return servo.load(address, size)

    def _store(self, servo: EmulatedServo, address: int, data: bytes) -> None:
        old = servo.id
        servo.store(address, data)
        if servo.id != old:
            self.servos[servo.id] = self.servos.pop(old)
        servo.drive(self.plant, servo.id in self.faults.overloaded)

    def _error(self, servo: EmulatedServo) -> int:
        return OVERLOAD if servo.id in self.faults.overloaded else 0

    def _answer(self, servo: EmulatedServo, id: int, data: bytes = b"") -> None:
        answer = packet(id, self._error(servo), data)
        if self._wire_timing:
            self._free_ns += servo.get("Return_Delay_Time") * 2_000 + self._wire_ns(len(answer))
        delivered = self.faults.deliver(answer)
        if delivered is not None:
            self._answers.append(_Answer(self._free_ns, delivered))

    def _wire_ns(self, size: int) -> int:
        if not self._wire_timing:
            return 0
        servo = next(iter(self.servos.values()))
        return size * 10 * 1_000_000_000 // BAUD_RATES[servo.get("Baud_Rate")]


def preset_calibration(chain: ServoChain, calibration: Mapping[str, MotorCalibration]) -> None:
    """Give the servos the registers that a calibrated arm has, and keep them over a power cycle."""
    for motor in calibration.values():
        servo = chain.servos[motor.id]
        servo.set("Homing_Offset", motor.homing_offset)
        servo.set("Min_Position_Limit", motor.range_min)
        servo.set("Max_Position_Limit", motor.range_max)
        servo.save()
