"""A bus of Feetech servos: packets for all of them, and single registers."""

import time
from collections.abc import Collection, Iterator, Mapping

from attrs import define, frozen

from hilt_hooks import ConfigError, DeviceLost
from hilt_motor_feetech import codec
from hilt_motor_feetech.line import LATENCY_NS, Line
from hilt_motor_feetech.port import Port
from hilt_motor_feetech.table import MODELS, STS, Register, Series

_PING_S = 0.15
_PATIENCE_S = 0.5
"""How long a single register is asked for, or written, again and again."""
_BITS = 10
"""On the wire, of a byte."""
_ACKNOWLEDGEMENT = "acknowledgement"
_REFUSALS = 3
"""How often a motor may acknowledge a value and keep another."""


@frozen
class Motor:
    id: int
    model: str = "sts3215"


@define
class _Question:
    """A prepared sync read. size: of all answers together."""

    request: bytes
    register: Register
    size: int


class FeetechBus:
    """Servos by name. Cyclic calls never raise for a servo that is silent, all calls raise DeviceLost for a lost port.

    errors: the error bits of each motor's last answer to a cyclic read, see `health.TROUBLES`; 0 for one that is well.
    """

    def __init__(self, port: str, motors: Mapping[str, Motor], baud: int = 1_000_000) -> None:
        """Raises ConfigError for motors that cannot share a bus."""
        self.motors = dict(motors)
        self.errors: dict[str, int] = dict.fromkeys(self.motors, 0)
        self._port = Port(port, baud)
        self._series = _series_of(port, self.motors)
        self._names = {motor.id: name for name, motor in self.motors.items()}
        self._line = Line(self._port, self._names)
        self._questions: dict[str, _Question] = {}
        if len(self._names) != len(self.motors):
            raise ConfigError(f"{port}: two motors have the same id: { {name: each.id for name, each in motors.items()} }")

    @property
    def port(self) -> str:
        return self._port.path

    @property
    def is_open(self) -> bool:
        return self._port.is_open

    def open(self) -> None:
        """Raises ConnectError. Sends nothing."""
        self._port.open()
        self._line.doubt()  # whoever had the port before may have been killed while it was asking

    def close(self) -> None:
        """In every state. Sends nothing."""
        self._port.close()

    def sync_read(self, register: str, deadline_ns: int, retries: int = 1) -> dict[str, int | None]:
        """One register of all motors by `deadline_ns`; None for a motor whose answer did not come or came damaged.

        Asks again, up to `retries` times, while the deadline leaves time. Each attempt but the last has half of what is
        left: an adapter that is slow to pass answers on is not interrupted too early.
        """
        if not self._series.sync_read:
            return self._read_in_turn(register, deadline_ns)
        question = self._question(register)
        answers: dict[str, int | None] = dict.fromkeys(self.motors)
        missing = len(answers)
        for attempts_left in range(retries + 1, 0, -1):
            if not self._line.begin(register, deadline_ns):
                break
            now = time.monotonic_ns()
            window = deadline_ns - now if attempts_left == 1 else (deadline_ns - now) // 2
            until = now + min(window, LATENCY_NS)
            missing -= self._ask(question, until, answers)
            if not missing or time.monotonic_ns() >= deadline_ns:
                break
        return answers

    def sync_write(self, register: str, values: Mapping[str, int]) -> None:
        """One packet; no servo answers. Raises ValueError, before anything is sent, for a value that does not fit."""
        row = self._series.registers[register]
        self._port.write(codec.sync_write(row, {self.motors[name].id: value for name, value in values.items()}))

    def ping(self, motor: str, within_s: float = _PING_S) -> int | None:
        """The model number, None if the motor does not answer within this time."""
        return self._read("Model_Number", motor, within_s)

    def read(self, register: str, motor: str, within_s: float = _PATIENCE_S) -> int:
        """Ask until there is an answer. Raises DeviceLost when the time is up."""
        value = self._read(register, motor, within_s)
        if value is None:
            raise self._silent(motor)
        return value

    def write(self, register: str, motor: str, value: int, within_s: float = _PATIENCE_S) -> None:
        """Write and read back. Written again only if the motor is read to have something else: an EEPROM wears.

        Raises DeviceLost when the time is up, or when the motor acknowledges the value and keeps another.
        """
        row, id = self._series.registers[register], self.motors[motor].id
        data = codec.encode(row, value)
        kept: int | None = None
        missing, refusals = True, 0
        for until_ns in _attempts(within_s):
            acknowledged = missing and self._store(id, row, data, until_ns)
            read = self._load(id, row, until_ns)
            if read == data:
                return
            kept, missing = (kept, False) if read is None else (codec.decode(row, read), True)
            refusals += acknowledged and read is not None
            if refusals == _REFUSALS:
                break
        if kept is None:
            raise self._silent(motor)
        raise DeviceLost(f"{self.port}: {motor} (id {id}) keeps {register} = {kept}, not {value}")

    def assign(self, register: str, motor: str, value: int) -> None:
        """Write what changes how the motor is reached: its id or baud rate. Sent once, whatever is under way; not read back."""
        row, id = self._series.registers[register], self.motors[motor].id
        self._line.doubt()
        self._exchange(id, _write_of(id, row, codec.encode(row, value)), 0, time.monotonic_ns() + LATENCY_NS)

    def expected_model(self, motor: str) -> int:
        return MODELS[self.motors[motor].model].number

    def _read(self, register: str, motor: str, within_s: float) -> int | None:
        row = self._series.registers[register]
        for until_ns in _attempts(within_s):
            data = self._load(self.motors[motor].id, row, until_ns)
            if data is not None:
                return codec.decode(row, data)
        return None

    def _read_in_turn(self, register: str, deadline_ns: int) -> dict[str, int | None]:
        """For servos that know no sync read: one after the other, as far as the time goes."""
        row, answers = self._series.registers[register], dict[str, int | None]()
        for name, motor in self.motors.items():
            data = self._load(motor.id, row, deadline_ns) if time.monotonic_ns() < deadline_ns else None
            answers[name] = None if data is None else codec.decode(row, data)
        return answers

    def _load(self, id: int, row: Register, until_ns: int) -> bytes | None:
        """None if no answer came in time, or a damaged one."""
        if not self._line.begin(row.name, until_ns, ask_first=id):
            return None
        request = codec.packet(id, codec.Instruction.READ, bytes((row.address, row.size)))
        return self._exchange(id, request, row.size, until_ns)

    def _store(self, id: int, row: Register, data: bytes, until_ns: int) -> bool:
        """Whether it was acknowledged."""
        if not self._line.begin(_ACKNOWLEDGEMENT, until_ns, ask_first=id):
            return False
        return self._exchange(id, _write_of(id, row, data), 0, until_ns) is not None

    def _exchange(self, id: int, request: bytes, size: int, until_ns: int) -> bytes | None:
        """Ask one motor once. Gives so many bytes of data; None if there was no such answer, or not in time."""
        self._port.discard()
        self._port.write(request)
        wire_ns = self._wire_ns(len(request) + codec.OVERHEAD + size)
        until_ns = min(until_ns, time.monotonic_ns() + LATENCY_NS + wire_ns)
        answer = next(self._answers((id,), size, until_ns), None)
        if answer is None:
            return None
        self._line.complete()
        return answer.data

    def _silent(self, motor: str) -> DeviceLost:
        return DeviceLost(f"{self.port}: {motor} (id {self.motors[motor].id}) does not answer; check its cable and its power")

    def _question(self, name: str) -> _Question:
        if name not in self._questions:
            register = self._series.registers[name]
            ids = [motor.id for motor in self.motors.values()]
            size = len(ids) * (codec.OVERHEAD + register.size)
            self._questions[name] = _Question(codec.sync_read(register, ids), register, size)
        return self._questions[name]

    def _ask(self, question: _Question, until_ns: int, answers: dict[str, int | None]) -> int:
        """Ask all motors once and fill in what comes; how many answers were new."""
        self._port.discard()
        self._port.write(question.request)
        self._let_the_wire_work(len(question.request) + question.size, until_ns)
        new, register = 0, question.register
        for packet in self._answers(self._names, register.size, until_ns):
            name = self._names[packet.id]
            new += answers[name] is None
            answers[name] = codec.decode(register, packet.data)
            self.errors[name] = packet.code
        if new == len(answers):  # and not only what an earlier attempt had left out
            self._line.complete()
        return new

    def _answers(self, ids: Collection[int], size: int, until_ns: int) -> Iterator[codec.Packet]:
        """Those of these motors that have so much data.

        Over when the wire has carried as many bytes as there are to come, damaged or not, or when the time is up. Answers
        to something else do not count.
        """
        outstanding, buffer = len(ids) * (codec.OVERHEAD + size), bytearray()
        while outstanding > 0:
            left = len(buffer)
            if not self._port.read_into(buffer, until_ns):
                return
            outstanding -= len(buffer) - left
            for packet in codec.take_packets(buffer):
                if packet.id in ids and len(packet.data) == size:
                    yield packet
                else:
                    outstanding += codec.OVERHEAD + len(packet.data)

    def _let_the_wire_work(self, size: int, until_ns: int) -> None:
        """Sleep for as long as so many bytes take at least: to wake up for each of the answers would cost more than they do."""
        time.sleep(max(0, min(self._wire_ns(size), until_ns - time.monotonic_ns())) / 1e9)

    def _wire_ns(self, size: int) -> int:
        return size * _BITS * 1_000_000_000 // self._port.baud


def _write_of(id: int, row: Register, data: bytes) -> bytes:
    return codec.packet(id, codec.Instruction.WRITE, bytes((row.address,)) + data)


def _attempts(within_s: float) -> Iterator[int]:
    """By when each attempt has to be over, ns, as long as there is time; one at least."""
    end_ns = time.monotonic_ns() + int(within_s * 1e9)
    yield end_ns
    while time.monotonic_ns() < end_ns:
        yield end_ns


def _series_of(port: str, motors: Mapping[str, Motor]) -> Series:
    unknown = [
        f"{port}: {name}: model {each.model!r} is not one of {', '.join(MODELS)}"
        for name, each in motors.items()
        if each.model not in MODELS
    ]
    if unknown:
        raise ConfigError(unknown)
    series = {MODELS[motor.model].series for motor in motors.values()}
    if len(series) > 1:
        raise ConfigError(f"{port}: servos of the series {' and '.join(sorted(each.name for each in series))} cannot share a bus")
    return series.pop() if series else STS
