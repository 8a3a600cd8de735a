"""Servos on one wire: packets in, packets out, at the pace of the wire."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define

from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.codec import BROADCAST, Instruction, Packet, decode, packet, take_packets
from hilt_motor_feetech.emulator.faults import Faults
from hilt_motor_feetech.emulator.plant import Plant
from hilt_motor_feetech.emulator.servo import EmulatedServo
from hilt_motor_feetech.health import OVERLOAD
from hilt_motor_feetech.table import BAUD_RATES, REGISTERS

_PACKET_TIMEOUT_NS = 20_000_000
_LIFE_NS = 10_000_000
"""How often heat, load and voltage of the servos are brought up to date."""
_OFF_VOLTS = 4.0
_SAG_VOLTS = 0.3
"""By how much one motor at full torque pulls the supply down."""


@define
class _Answer:
    due_ns: int
    data: bytes


class ServoChain:
    """Servos on one wire. Bytes in with the time at which they came, bytes out when they are due.

    Servos that have the same id answer at once, and over each other.
    """

    def __init__(self, servos: Iterable[EmulatedServo], plant: Plant, wire_timing: bool = True) -> None:
        """wire_timing: answers take the time that baud rate and Return_Delay_Time ask for; otherwise none."""
        self.plant = plant
        self.faults = Faults()
        self.on_sync_write: list[Callable[[int, Mapping[int, int]], None]] = []
        self._servos = list(servos)
        self._wire_timing = wire_timing
        self._received = bytearray()
        self._received_ns = self._lived_ns = 0
        self._answers: list[_Answer] = []
        self._free_ns = 0
        self._host_baud: int | None = None
        self._powered = True

    @property
    def servos(self) -> Mapping[int, EmulatedServo]:
        """By the id that each has now."""
        return {servo.id: servo for servo in self._servos}

    def receive(self, data: bytes, now_ns: int, baud: int | None = None) -> None:
        """Take in what the host sent, at `baud` if that is known: servos set to another rate do not hear it."""
        self._host_baud = baud
        if now_ns - self._received_ns > _PACKET_TIMEOUT_NS:
            self._received.clear()
        self._received += data
        self._received_ns = now_ns
        self.live(now_ns)
        for request in take_packets(self._received):
            self._free_ns = max(self._free_ns, now_ns) + self._wire_ns(len(request.data) + 6)
            if self._powered and self.faults.hears():
                self._handle(request, now_ns)

    def live(self, now_ns: int) -> None:
        """Let time pass for the motors, whether or not anybody talks to them."""
        self._mind_the_supply()
        jammed = self._notice_overload()
        if not self._powered or (now_ns - self._lived_ns < _LIFE_NS and not jammed):
            return
        self._lived_ns = now_ns
        volts = self.faults.volts - _SAG_VOLTS * sum(abs(self.plant.load(servo.id)) for servo in self._servos)
        for servo in self._servos:
            servo.live(self.plant, now_ns, volts, self.faults.hot.get(servo.id))

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

    def _mind_the_supply(self) -> None:
        powered = self.faults.volts >= _OFF_VOLTS
        if powered == self._powered:
            return
        self._powered = powered
        for servo in self._servos:
            servo.power_up()  # whoever has no power, or had none, has no torque
            servo.drive(self.plant)

    def _notice_overload(self) -> bool:
        """Whether a motor has just met more than it can move."""
        new = [s for s in self._servos if s.id in self.faults.overloaded and not s.protection.latched & OVERLOAD]
        for servo in new:
            servo.protection.latch(OVERLOAD)
            servo.drive(self.plant)
        return bool(new)

    def _handle(self, request: Packet, now_ns: int) -> None:
        if request.code == Instruction.SYNC_READ and len(request.data) >= 2:
            self._sync_read(request.data)
        elif request.code == Instruction.SYNC_WRITE and len(request.data) >= 2:
            self._sync_write(request.data, now_ns)
        elif request.code == Instruction.ACTION:
            self._action(request.id)
        elif request.id == BROADCAST:
            for servo in self._addressed(BROADCAST):
                self._answer([data for data in (self._single(servo, request),) if data is not None], (servo,))
        else:
            servos = self._addressed(request.id)
            self._answer([data for servo in servos if (data := self._single(servo, request)) is not None], servos)

    def _single(self, servo: EmulatedServo, request: Packet) -> bytes | None:
        """Do what was asked of one servo. Gives its answer, None if it does not."""
        broadcast = request.id == BROADCAST
        acknowledged = None if broadcast or not servo.get("Response_Status_Level") else servo.id
        match request.code, len(request.data):
            case Instruction.PING, _ if servo.series.sync_read or not broadcast:
                return self._status(servo, servo.id)
            case Instruction.READ, 2 if not broadcast:
                return self._status(servo, servo.id, self._load(servo, *request.data))
            case Instruction.WRITE, size if size >= 2:
                self._store(servo, request.data[0], request.data[1:])
                return None if acknowledged is None else self._status(servo, acknowledged)
            case Instruction.REG_WRITE, size if size >= 2:
                servo.pending = (request.data[0], request.data[1:])
                return None if acknowledged is None else self._status(servo, acknowledged)
        return None

    def _action(self, id: int) -> None:
        for servo in self._addressed(id):
            if servo.pending is not None:
                self._store(servo, *servo.pending)
                servo.pending = None

    def _sync_read(self, data: bytes) -> None:
        address, size = data[0], data[1]
        for id in data[2:]:
            servos = [servo for servo in self._addressed(id) if servo.series.sync_read]
            self._answer([self._status(servo, id, self._load(servo, address, size)) for servo in servos], servos)

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

    def _addressed(self, id: int) -> Sequence[EmulatedServo]:
        if id == BROADCAST:
            return sorted(filter(self._hears, self._servos), key=lambda servo: servo.id)
        return [servo for servo in self._servos if servo.id == id and self._hears(servo)]

    def _hears(self, servo: EmulatedServo) -> bool:
        same_rate = self._host_baud in (None, BAUD_RATES[servo.get("Baud_Rate")])
        return same_rate and servo.id not in self.faults.dead

    def _load(self, servo: EmulatedServo, address: int, size: int) -> bytes:
        servo.measure(self.plant)
        servo.set("Status", servo.protection.bits)
        return servo.load(address, size)

    def _store(self, servo: EmulatedServo, address: int, data: bytes) -> None:
        servo.store(address, data)
        self._notice_overload()
        servo.drive(self.plant)

    def _status(self, servo: EmulatedServo, id: int, data: bytes = b"") -> bytes:
        return packet(id, servo.protection.bits, data)

    def _answer(self, answers: Sequence[bytes], servos: Sequence[EmulatedServo]) -> None:
        """Put the answers of servos that speak at the same time on the wire."""
        if not answers:
            return
        answer = _collided(answers)
        if self._wire_timing:
            self._free_ns += servos[0].get("Return_Delay_Time") * 2_000 + self._wire_ns(len(answer))
        delivered = self.faults.deliver(answer)
        if delivered is not None:
            due_ns = self._free_ns + round(self.faults.delay_ms * 1e6)
            self._answers.append(_Answer(max(due_ns, self._answers[-1].due_ns if self._answers else 0), delivered))

    def _wire_ns(self, size: int) -> int:
        if not self._wire_timing:
            return 0
        return size * 10 * 1_000_000_000 // BAUD_RATES[self._servos[0].get("Baud_Rate")]


def _collided(answers: Sequence[bytes]) -> bytes:
    """What is on the wire when several speak at once: a bit is 1 only where nobody pulls the wire down."""
    first, *others = answers
    for other in others:
        first = bytes(a & b for a, b in zip(first, other, strict=False))
    return first


def preset_calibration(chain: ServoChain, calibration: Mapping[str, MotorCalibration]) -> None:
    """Give the servos the registers that a calibrated arm has, and keep them over a power cycle."""
    for motor in calibration.values():
        servo = chain.servos[motor.id]
        servo.set("Homing_Offset", motor.homing_offset)
        servo.set("Min_Position_Limit", motor.range_min)
        servo.set("Max_Position_Limit", motor.range_max)
        servo.save()
