"""Time, threads and serial ports in lock-step: everything else of a rig is what runs in a session.

The driver's packets go into the emulated servos in the same call, and answers are there at once; a time-out passes because
somebody waits for it. A rig that is ticked twice with the same seed does the same.
"""

import contextlib
import select
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any
from unittest import mock

import msgspec
from attrs import define, field

from hilt.kernel.calls import Filter
from hilt.rig import filters as rig_filters
from hilt_hooks import ConnectError, DeviceLost
from hilt_motor_feetech.codec import Instruction, decode, take_packets
from hilt_motor_feetech.emulator import PtyBus, ServoChain
from hilt_motor_feetech.port import Port
from hilt_motor_feetech.table import REGISTERS

_EXCHANGE_NS = 200_000
"""What a question and its answers take on the wire."""
_USE_TIME = (
    "hilt.rig.process",
    "hilt.rig.arms",
    "hilt.rig.filters",
    "hilt.ipc.lease",
    "hilt_motor_feetech.arm",
    "hilt_motor_feetech.bus",
    "hilt_motor_feetech.port",
    "hilt_motor_feetech.line",
)
_PTY_PATIENCE_S = 10.0
_LOAD_NS = 50_000_000
_GOAL = REGISTERS["Goal_Position"]
_GOALS = bytes((_GOAL.address, _GOAL.size))
"""What a sync write of goals begins with."""


class Clock:
    """What the module `time` is to all that takes part."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000

    def monotonic_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.until(self.now_ns + round(seconds * 1e9))

    def until(self, then_ns: int) -> None:
        """Let time pass, never back."""
        self.now_ns = max(self.now_ns, then_ns)


@define
class Line:
    """Between a driver and its servos; `pty` if that is a pseudo-terminal.

    asked: whether there was a question since somebody last said that there was none. on_goals: called with each packet of
    goals (servo id -> steps) that the driver sends, whether or not it arrives. answered_ns: by servo id, when the driver last
    got an answer that was not damaged.
    """

    chain: ServoChain
    pty: PtyBus | None = None
    plugged: bool = True
    asked: bool = False
    on_goals: list[Callable[[Mapping[int, int]], None]] = field(factory=list)
    answered_ns: dict[int, int] = field(factory=dict)
    _answers: bytearray = field(factory=bytearray, init=False)

    def unplug(self) -> None:
        self.plugged = False
        if self.pty is not None:
            self.pty.unplug()

    def replug(self) -> None:
        self.plugged = True
        if self.pty is not None:
            self.pty.replug()

    def answered(self, data: bytes | bytearray, now_ns: int) -> None:
        self._answers += data
        self.answered_ns.update((packet.id, now_ns) for packet in take_packets(self._answers))

    def heard(self, data: bytes | bytearray) -> None:
        self._answers.clear()
        for packet in take_packets(bytearray(data)):
            self.asked |= packet.code != Instruction.SYNC_WRITE
            if packet.code == Instruction.SYNC_WRITE and packet.data.startswith(_GOALS):
                size = 1 + _GOAL.size
                parts = [packet.data[at : at + size] for at in range(len(_GOALS), len(packet.data), size)]
                for listener in self.on_goals:
                    listener({part[0]: decode(_GOAL, part[1:]) for part in parts})


class Wire:
    """What a driver takes for its serial port."""

    def __init__(self, path: str, baud: int, *, line: Line, clock: Clock) -> None:
        self.path, self.baud = path, baud
        self._line, self._clock = line, clock
        self.is_open = False

    def open(self) -> None:
        if not self._line.plugged:
            raise ConnectError(f"{self.path}: no such port")
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes | bytearray) -> None:
        self._check()
        self._line.heard(data)
        self._line.chain.receive(bytes(data), self._clock.now_ns)

    def read_into(self, buffer: bytearray, until_ns: int) -> bool:
        self._check()
        answers = self._line.chain.due(self._clock.now_ns)
        if not answers:
            self._clock.until(until_ns)
            return False
        self._clock.now_ns += _EXCHANGE_NS
        self._line.answered(answers, self._clock.now_ns)
        buffer += answers
        return True

    def discard(self) -> None:
        self._check()
        self._line.chain.due(self._clock.now_ns)

    def _check(self) -> None:
        if not self.is_open or not self._line.plugged:
            raise DeviceLost(f"{self.path}: connection lost")


class PtyWire(Port):
    """The driver's own serial port on a real pseudo-terminal, whose other end is served as soon as something was written."""

    def __init__(self, path: str, baud: int, *, line: Line, clock: Clock) -> None:
        super().__init__(path, baud)
        self._line, self._clock = line, clock

    def write(self, data: bytes | bytearray) -> None:
        super().write(data)
        self._line.heard(data)
        pty, chain = self._line.pty, self._line.chain
        assert pty is not None
        arrived = False
        while pty.fileno() >= 0 and not (arrived and not chain._received):
            arrived = bool(select.select([pty.fileno()], [], [], _PTY_PATIENCE_S)[0])
            pty.pump(self._clock.now_ns)
            if not arrived:
                raise RuntimeError(f"{self.path}: a packet did not arrive")

    def read_into(self, buffer: bytearray, until_ns: int) -> bool:
        had = len(buffer)
        came = super().read_into(buffer, until_ns)
        self._clock.until(self._clock.now_ns + _EXCHANGE_NS if came else until_ns)
        self._line.answered(buffer[had:], self._clock.now_ns)
        return came


class Later:
    """The thread of an arm: what it was given is done between two ticks, `delay()` ticks later."""

    def __init__(self, delay: Callable[[], int]) -> None:
        self._delay = delay
        self._jobs: deque[tuple[list[int], Future[Any], Callable[[], Any]]] = deque()

    def submit(self, work: Callable[..., Any], *args: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        self._jobs.append(([self._delay()], done, lambda: work(*args)))
        return done

    def go_on(self) -> None:
        """A tick is over."""
        while self._jobs:
            left, done, work = self._jobs[0]
            if left[0] > 0:
                left[0] -= 1
                return
            self._jobs.popleft()
            done.set_result(work())

    def shutdown(self, wait: bool) -> None:
        self._jobs.clear()


@define
class Plugin:
    """A safety filter and what its process does next: answer after `takes_ns`, hang (None), or end (`ends`)."""

    name: str
    function: Callable[..., Any]
    takes_ns: int | None = 0
    ends: bool = False


@define
class FilterProcess:
    """What the rig takes for the process of its safety filters. Their answers are judged by what runs in the real one."""

    clock: Clock
    plugins: list[Plugin]
    names: tuple[str, ...]
    _answers: deque[tuple[int, bytes]] = field(factory=deque, init=False)
    _ended: bool = field(default=False, init=False)
    started_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.started_s = self.clock.monotonic()
        loaded = msgspec.msgpack.encode([plugin.name for plugin in self.plugins])
        self._answers.append((self.clock.now_ns + _LOAD_NS, loaded))

    def send(self, request: rig_filters.Request) -> None:
        packed = msgspec.msgpack.encode(request)
        asked = msgspec.msgpack.decode(packed, type=rig_filters.Request)
        plugin = self.plugins[asked.filter]
        self._ended |= plugin.ends
        if plugin.takes_ns is not None:
            answer = rig_filters._judge(Filter(plugin.name, plugin.function), asked, self.names)
            self._answers.append((self.clock.now_ns + plugin.takes_ns, msgspec.msgpack.encode(answer)))

    def receive(self, timeout_s: float) -> bytes | None:
        until_ns = self.clock.now_ns + max(0, round(timeout_s * 1e9))
        if self._ended:
            raise EOFError
        if self._answers and self._answers[0][0] <= until_ns:
            due_ns, packed = self._answers.popleft()
            self.clock.until(due_ns)
            return packed
        self.clock.until(until_ns)
        return None

    def kill(self) -> None:
        self._answers.clear()

    def end(self, patience_s: float) -> None:
        self._answers.clear()


@contextlib.contextmanager
def lockstep(clock: Clock, lines: Mapping[str, Line], plugins: list[Plugin], delay: Callable[[], int]) -> Iterator[None]:
    """Meanwhile the rig's modules have this clock, these lines by port, these filters, and threads that take `delay()` ticks."""

    def port(path: str, baud: int) -> Wire | PtyWire:
        line = lines[path]
        return (Wire if line.pty is None else PtyWire)(path, baud, line=line, clock=clock)

    with contextlib.ExitStack() as stack:
        swaps: list[tuple[str, Any]] = [(f"{module}.time", clock) for module in _USE_TIME]
        swaps += [("hilt_motor_feetech.bus.Port", port), ("hilt.rig.arms.ThreadPoolExecutor", lambda *_, **__: Later(delay))]
        swaps += [("hilt.rig.filters._Worker", lambda names: FilterProcess(clock, plugins, names))]
        for target, swap in swaps:
            stack.enter_context(mock.patch(target, swap))
        yield
