"""A chain of STS3215 servos that answers with the bytes and at the pace of a real one, behind a pseudo-terminal.

The servos know registers and packets; what the motors do is the business of a `Plant`, which may be a physics engine.
"""

import contextlib
import math
import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Protocol

from attrs import define, field

from hilt_motor_feetech.calibration import MotorCalibration
from hilt_motor_feetech.codec import BROADCAST, Instruction, Packet, decode, encode, packet, take_packets
from hilt_motor_feetech.table import BAUD_RATES, FIRST_SRAM_ADDRESS, MODEL_NUMBERS, MULTI_TURN_PHASE, REGISTERS, STEPS

OVERLOAD = 0x20
"""The error bit of an overloaded servo."""

_MEMORY = 96
_READ_ONLY = frozenset((*range(5), *range(56, 71)))
"""Addresses: firmware, model, and what the servo measures."""
_PACKET_TIMEOUT_NS = 20_000_000
_FACTORY: Mapping[str, int] = {
    "Firmware_Major_Version": 3,
    "Firmware_Minor_Version": 10,
    "Return_Delay_Time": 250,
    "Response_Status_Level": 1,
    "Max_Position_Limit": STEPS - 1,
    "Max_Temperature_Limit": 70,
    "Max_Voltage_Limit": 140,
    "Min_Voltage_Limit": 40,
    "Max_Torque_Limit": 1000,
    "Phase": 12,
    "Unloading_Condition": 44,
    "LED_Alarm_Condition": 47,
    "P_Coefficient": 32,
    "D_Coefficient": 32,
    "Minimum_Startup_Force": 16,
    "CW_Dead_Zone": 1,
    "CCW_Dead_Zone": 1,
    "Protection_Current": 500,
    "Angular_Resolution": 1,
    "Protective_Torque": 20,
    "Protection_Time": 200,
    "Overload_Torque": 80,
    "Over_Current_Protection_Time": 200,
}


class Plant(Protocol):
    """What moves. Positions are encoder steps, 4096 a turn, not wrapped, before Homing_Offset."""

    def position(self, motor_id: int) -> float: ...

    def velocity(self, motor_id: int) -> float:
        """Steps/s."""

    def load(self, motor_id: int) -> float:
        """-1 to 1 of the stall torque."""

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        """goal: where to, None with torque off. torque_limit: 0 to 1 of the stall torque."""


@define
class _Shaft:
    position: float
    goal: float | None = None
    torque_limit: float = 1.0
    moved_ns: int = 0


class FirstOrderPlant:
    """Shafts without inertia: each closes in on its goal within a time constant and a top speed. For tests without physics."""

    def __init__(
        self,
        positions: Mapping[int, float] | None = None,
        *,
        time_constant_s: float = 0.05,
        top_speed: float = 4000.0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """positions: motor id -> steps, 2048 where not given. top_speed: steps/s."""
        self._time_constant_s, self._top_speed, self._clock = time_constant_s, top_speed, clock
        self._shafts = {id: _Shaft(position) for id, position in (positions or {}).items()}

    def position(self, motor_id: int) -> float:
        return self._advance(motor_id).position

    def velocity(self, motor_id: int) -> float:
        shaft = self._advance(motor_id)
        if shaft.goal is None:
            return 0.0
        speed = (shaft.goal - shaft.position) / self._time_constant_s
        return max(-self._top_speed, min(self._top_speed, speed))

    def load(self, motor_id: int) -> float:
        shaft = self._advance(motor_id)
        if shaft.goal is None:
            return 0.0
        return max(-shaft.torque_limit, min(shaft.torque_limit, (shaft.goal - shaft.position) / 200))

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        shaft = self._advance(motor_id)
        shaft.goal, shaft.torque_limit = goal, torque_limit

    def push(self, motor_id: int, position: float) -> None:
        """Put a shaft somewhere, as a hand does."""
        self._advance(motor_id).position = position

    def _advance(self, motor_id: int) -> _Shaft:
        now = self._clock()
        shaft = self._shafts.setdefault(motor_id, _Shaft(STEPS / 2))
        elapsed_s, shaft.moved_ns = (now - shaft.moved_ns) / 1e9 if shaft.moved_ns else 0.0, now
        if shaft.goal is not None and shaft.torque_limit > 0:
            step = (shaft.goal - shaft.position) * -math.expm1(-elapsed_s / self._time_constant_s)
            reach = self._top_speed * elapsed_s
            shaft.position += max(-reach, min(reach, step))
        return shaft


@define
class Faults:
    """What is wrong with a chain. May be changed at any time.

    corrupt, drop: which part of the answers, 0 to 1, arrives damaged or not at all. dead: motors that do not answer.
    overloaded: motors that report an overload and push with no more than Protective_Torque.
    """

    corrupt: float = 0.0
    drop: float = 0.0
    dead: set[int] = field(factory=set)
    overloaded: set[int] = field(factory=set)
    random: Random = field(factory=lambda: Random(0))  # noqa: S311

    def deliver(self, answer: bytes) -> bytes | None:
        """The answer as it arrives, None if it does not."""
        if self.drop and self.random.random() < self.drop:
            return None
        if self.corrupt and self.random.random() < self.corrupt:
            damaged = bytearray(answer)
            damaged[self.random.randrange(2, len(damaged))] ^= 1 << self.random.randrange(8)
            return bytes(damaged)
        return answer


class EmulatedServo:
    """The registers of one servo, by name as `get` and `set` see them and by address as the wire does."""

    def __init__(self, id: int, model: str = "sts3215", registers: Mapping[str, int] | None = None) -> None:
        """registers: EEPROM values that differ from the factory's."""
        self._memory = bytearray(_MEMORY)
        for name, value in {**_FACTORY, "ID": id, "Model_Number": MODEL_NUMBERS[model], **(registers or {})}.items():
            self.set(name, value)
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])
        self.pending: tuple[int, bytes] | None = None
        self.power_up()

    @property
    def id(self) -> int:
        return self.get("ID")

    def get(self, name: str) -> int:
        register = REGISTERS[name]
        return decode(register, self._memory[register.address : register.address + register.size])

    def set(self, name: str, value: int) -> None:
        register = REGISTERS[name]
        self._memory[register.address : register.address + register.size] = encode(register, value)

    def save(self) -> None:
        """Keep the EEPROM as it is now."""
        self._saved = bytes(self._memory[:FIRST_SRAM_ADDRESS])

    def power_up(self) -> None:
        """Everything as after a power cycle: EEPROM as saved, SRAM at its defaults."""
        self._memory[:] = self._saved + bytes(_MEMORY - FIRST_SRAM_ADDRESS)
        for name, value in (("Lock", 1), ("Present_Voltage", 120), ("Present_Temperature", 30), ("Maximum_Acceleration", 50)):
            self.set(name, value)
        self.set("Torque_Limit", self.get("Max_Torque_Limit"))

    def load(self, address: int, size: int) -> bytes:
        return bytes(self._memory[address : address + size])

    def store(self, address: int, data: bytes) -> None:
        """Write as the wire does: into the EEPROM to last only while Lock is 0."""
        if address in _READ_ONLY or address + len(data) > _MEMORY:
            return
        self._memory[address : address + len(data)] = data
        if address < FIRST_SRAM_ADDRESS and self.get("Lock") == 0:
            self.save()

    def measure(self, plant: Plant) -> None:
        """Bring the Present registers up to date."""
        velocity, load = round(plant.velocity(self.id)), plant.load(self.id)
        self.set("Present_Position", self._present(plant.position(self.id)))
        self.set("Present_Velocity", max(-32767, min(32767, velocity)))
        self.set("Present_Load", max(-1000, min(1000, round(load * 1000))))
        self.set("Present_Current", min(500, round(abs(load) * 300)))
        self.set("Moving", int(abs(velocity) > 10))

    def drive(self, plant: Plant, overloaded: bool) -> None:
        """Tell the plant what this servo's registers make of it."""
        limit = self.get("Torque_Limit") / 1000
        if overloaded:
            limit = min(limit, self.get("Protective_Torque") / 100)
        if not self.get("Torque_Enable"):
            plant.command(self.id, None, limit)
            return
        goal, lower, upper = (self.get(name) for name in ("Goal_Position", "Min_Position_Limit", "Max_Position_Limit"))
        if lower < upper:
            goal = max(lower, min(upper, goal))
        position = plant.position(self.id)
        # The goal is in the turn that the shaft is in: the servo never takes the short way across the end of a turn.
        turns = round(position) - self.get("Homing_Offset") - self._present(position)
        plant.command(self.id, goal + turns + self.get("Homing_Offset"), limit)

    def _present(self, position: float) -> int:
        steps = round(position) - self.get("Homing_Offset")
        if self.get("Phase") & MULTI_TURN_PHASE:
            return max(-32767, min(32767, steps))
        return steps % STEPS


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


def host_baud(terminal: int) -> int | None:
    """The rate that the driver has set on its end of a pseudo-terminal, None for one that has no name here."""
    import termios

    speed = termios.tcgetattr(terminal)[5]
    return next((baud for baud in BAUD_RATES.values() if getattr(termios, f"B{baud}", None) == speed), None)


class PtyBus:
    """A servo chain behind a serial port. Whoever owns it calls `pump` when `fileno` is readable or an answer is due.

    port: what a driver opens. on_sync_write: called with (time in monotonic ns, motor id -> goal) for each goal packet.
    """

    def __init__(self, chain: ServoChain, link: Path | None = None) -> None:
        """link: a symbolic link that keeps naming the port when it is unplugged and comes back under another name."""
        self.chain = chain
        self.on_sync_write = chain.on_sync_write
        self._link = link
        self._plug = threading.Lock()
        self._master = self._slave = -1
        self.port = ""
        self.replug()

    def fileno(self) -> int:
        """-1 while unplugged."""
        return self._master

    def pump(self, now_ns: int) -> int | None:
        """Handle what arrived, send what is due; when the next answer is due, None if none is."""
        with self._plug:
            if self._master < 0:
                return None
            with contextlib.suppress(BlockingIOError):
                self.chain.receive(os.read(self._master, 4096), now_ns, host_baud(self._slave))
            if ready := self.chain.due(now_ns):
                # A host that does not read loses bytes, as it does on a wire.
                with contextlib.suppress(BlockingIOError):
                    os.write(self._master, ready)
            return self.chain.next_due_ns()

    def unplug(self) -> None:
        """Pull the USB plug: the port is gone, the servos keep their power. From any thread."""
        with self._plug:
            if self._master < 0:
                return
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            self.chain.forget()
            if self._link is not None:
                self._link.unlink(missing_ok=True)

    def replug(self) -> None:
        """Put the plug back in. `port` may have changed, unless there is a link."""
        # Imported here: Windows has neither, and only this method needs them.
        import pty
        import tty

        with self._plug:
            if self._master >= 0:
                return
            # The slave stays open here: otherwise the master reports an error whenever no driver is connected.
            master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(master, False)
            self.port = os.ttyname(self._slave)
            if self._link is not None:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(self.port)
                self.port = str(self._link)
            self._master = master

    def close(self) -> None:
        self.unplug()


class Stop(Protocol):
    """An event of threading or of multiprocessing."""

    def is_set(self) -> bool: ...


def serve(buses: Sequence[PtyBus], stop: Stop) -> None:
    """Answer for `buses` until `stop` is set. Runs in a thread or a process of its own."""
    while not stop.is_set():
        now = time.monotonic_ns()
        due = [at for bus in buses if (at := bus.pump(now)) is not None]
        wait_s = min(0.02, max(0.0, (min(due) - time.monotonic_ns()) / 1e9)) if due else 0.02
        waiting = [fd for bus in buses if (fd := bus.fileno()) >= 0]
        with contextlib.suppress(OSError):  # unplugged by another thread meanwhile
            select.select(waiting, [], [], wait_s)


@contextlib.contextmanager
def serving(*buses: PtyBus) -> Iterator[None]:
    """Answer for `buses` in a thread, for tests; they are closed at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(buses, stop), name="servos")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for bus in buses:
            bus.close()
