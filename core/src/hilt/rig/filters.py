"""The safety filters of the installed plugins, in a process of their own, so that one that hangs does not stop the tick.

The rig asks one filter after the other and waits for all of them together no longer than `DEADLINE_S`. Without an answer
the arm holds, and the plugin is named. A process that stays silent is killed and another one started beside the ticks;
until that one has loaded the same filters, the arm holds.
"""

import gc
import multiprocessing
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

import msgspec
import numpy as np

from hilt.ipc.messages import Source
from hilt.ipc.process import ask_for_real_time, ignore_interrupts
from hilt.kernel import Filter, Registry
from hilt.rig.engine import Filtered
from hilt_hooks import ConfigError, ConnectError, Floats, SafetyStop, Vector

DEADLINE_S = 0.002
"""How long the rig waits in a tick, for all filters together."""

HUNG_S = 0.25
"""A filter that has not answered for so long is taken for hung."""

START_S = 30.0
RESTART_S = 1.0
"""Processes are not started more often than this."""

PRIORITY = 9
"""Real-time, and below the rig: the end of its wait comes through a filter that never rests."""

_ORPHANED_S = 1.0
_DETAIL = 300

_GONE = (EOFError, OSError)


class Request(msgspec.Struct, array_like=True, frozen=True):
    """filter: its place in the calling order. target, measured: in the order of the robot's channels."""

    filter: int
    source: str
    target: list[float]
    measured: list[float]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """values: what the filter gave, or None, and then `problem` goes on after the plugin's name."""

    values: list[float] | None
    problem: str = ""


class _Worker:
    """The rig's end of one process."""

    def __init__(self, names: tuple[str, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, names), name="hilt-filters", daemon=True)
        self._process.start()
        theirs.close()
        self.started_s = time.monotonic()

    def send(self, request: Request) -> None:
        self._connection.send_bytes(msgspec.msgpack.encode(request))

    def receive(self, timeout_s: float) -> bytes | None:
        """What it said, or None. Raises one of `_GONE` when the process is."""
        ready, _, _ = select.select([self._connection], [], [], max(0.0, timeout_s))
        return self._connection.recv_bytes() if ready else None

    def kill(self) -> None:
        """Does not wait for its end."""
        self._connection.close()
        self._process.kill()

    def end(self, patience_s: float) -> None:
        self._connection.close()
        self._process.join(patience_s)
        self._process.kill()
        self._process.join()


class Filters:
    """An `ActionFilter` for the engine: what all filters, in calling order, make of a target."""

    def __init__(self, plugins: Sequence[str], names: tuple[str, ...]) -> None:
        """plugins: whose filters these are, in calling order. names: the robot's channels, in the order of all vectors."""
        self._plugins, self._names = list(plugins), names
        self._worker: _Worker | None = None
        self._started_s = 0.0
        self._starting = False
        self._asked: int | None = None
        self._asked_s = 0.0
        self._trouble = ""

    def start(self) -> None:
        """Raises ConnectError unless all filters are loaded within `START_S`."""
        self._launch()
        until = time.monotonic() + START_S
        while self._starting and time.monotonic() < until:
            self._attend(until - time.monotonic())
        if self._trouble:
            self.close()
            raise ConnectError(f"the safety filters of {', '.join(self._plugins)} do not start ({self._trouble})")

    def close(self) -> None:
        if self._worker is not None:
            self._worker.end(HUNG_S)
            self._worker = None

    def __call__(self, source: Source, target: Floats, measured: Floats) -> Filtered:
        """Within `DEADLINE_S`. The values are finite, and in the order of `names`."""
        until, took = time.monotonic() + DEADLINE_S, []
        for index, plugin in enumerate(self._plugins):
            if self._trouble:
                break
            began = time.monotonic()
            request = Request(index, source.value, target.tolist(), measured.tolist())
            answer = self._ask(request, until)
            took.append(time.monotonic() - began)
            if answer is None:
                slowest = self._plugins[int(np.argmax(took))]
                self._trouble = self._trouble or f"filter {slowest} took longer than {DEADLINE_S * 1e3:g} ms"
            elif answer.values is None:
                return _refused(f"filter {plugin} {answer.problem}")
            else:
                target = np.array(answer.values, dtype=np.float64)
        if not self._trouble:
            return Filtered(target)
        restarting = self._worker is None or self._starting
        return _refused(self._trouble + ("; it is being started again" if restarting else ""))

    def tend(self) -> None:
        """Once a tick: take in what comes late, replace a process that hangs or has ended. Never waits."""
        if self._worker is None:
            if time.monotonic() - self._started_s >= RESTART_S:
                self._launch()
            return
        self._attend(0.0)
        silent_s = time.monotonic() - self._asked_s
        if self._asked is not None and silent_s > HUNG_S:
            self._drop(f"filter {self._plugins[self._asked]} hung")
        elif self._starting and silent_s > START_S:
            self._drop("a plugin hung while it was loaded")

    def _ask(self, request: Request, until: float) -> Answer | None:
        """The answer, or None if it did not come in time."""
        if self._worker is None:
            return None
        self._asked, self._asked_s = request.filter, time.monotonic()
        try:
            self._worker.send(request)
            packed = self._worker.receive(until - time.monotonic())
        except _GONE:
            self._drop(f"filter {self._plugins[request.filter]} ended its process")
            return None
        if packed is None:
            return None
        self._asked = None
        return msgspec.msgpack.decode(packed, type=Answer)

    def _launch(self) -> None:
        self._worker = _Worker(self._names)
        self._starting = True
        self._asked, self._asked_s = None, self._worker.started_s
        self._started_s = self._worker.started_s
        self._trouble = self._trouble or "they are being loaded"

    def _attend(self, timeout_s: float) -> None:
        """Take in the list of filters of a process that has started, or an answer that nobody waits for any more."""
        if self._worker is None:
            return
        try:
            packed = self._worker.receive(timeout_s)
        except _GONE:
            self._drop(self._culprit())
            return
        if packed is None:
            return
        if self._starting and (loaded := msgspec.msgpack.decode(packed, type=list[str])) != self._plugins:
            self._drop(f"filters were {_listed(self._plugins)}, and are now {_listed(loaded)}")
            return
        self._starting, self._asked, self._trouble = False, None, ""

    def _culprit(self) -> str:
        if self._asked is not None:
            return f"filter {self._plugins[self._asked]} ended its process"
        return "the process of the safety filters ended" + (" while it was loading them" if self._starting else "")

    def _drop(self, why: str) -> None:
        """Done with this process; `tend` starts another."""
        if self._worker is not None:
            self._worker.kill()
        self._worker, self._starting, self._asked = None, False, None
        self._trouble = why


def installed(registry: Registry, names: tuple[str, ...], expected: Sequence[str]) -> Filters | None:
    """The filters of all plugins, started; None without any.

    expected: whose filters the session was checked with, in calling order. Raises ConnectError where others are found.
    """
    plugins = [filter_.plugin for filter_ in registry.filters()]
    if plugins != list(expected):
        broken = "".join(f" ({row.name} is broken: {row.reason})" for row in registry.broken())
        raise ConnectError(
            f"the safety filters changed while the session started: they were {_listed(expected)}, "
            f"and the rig finds {_listed(plugins)}{broken}; see what `hilt plugins` says, and start again"
        )
    if not plugins:
        return None
    filters = Filters(plugins, names)
    filters.start()
    return filters


def _listed(plugins: Sequence[str]) -> str:
    return ", ".join(plugins) or "none"


def _refused(why: str) -> Filtered:
    return Filtered(None, f"holding: {why}")


def serve(connection: Connection, names: tuple[str, ...]) -> None:
    """The main of the filters' process: says which filters it has, then answers requests until the rig is gone."""
    ignore_interrupts()
    filters = Registry.discover().filters()
    gc.collect()
    gc.freeze()
    ask_for_real_time(PRIORITY)
    with suppress(*_GONE):
        connection.send_bytes(msgspec.msgpack.encode([filter_.plugin for filter_ in filters]))
        while True:
            request = msgspec.msgpack.decode(connection.recv_bytes(), type=Request)
            # The rig kills a filter that hangs; the system's own timer does it if the rig is gone by then.
            signal.setitimer(signal.ITIMER_REAL, _ORPHANED_S)
            answer = _judge(filters[request.filter], request, names)
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send_bytes(msgspec.msgpack.encode(answer))


def _judge(filter_: Filter, request: Request, names: tuple[str, ...]) -> Answer:
    try:
        returned = filter_.function(request.source, Vector(names, request.target), Vector(names, request.measured))
    except SafetyStop as refusal:
        return Answer(None, f"refuses: {refusal}"[:_DETAIL])
    except Exception as error:
        return Answer(None, f"raised {type(error).__name__}: {error}"[:_DETAIL])
    return _checked(returned, names)


def _checked(returned: object, names: tuple[str, ...]) -> Answer:
    """Named and complete, and finite."""
    if not isinstance(returned, Vector):
        return Answer(None, f"gave {returned!r:.80}, not a Vector")
    if len(set(returned.names)) < len(returned.names):
        return Answer(None, f"gave a channel more than once: {', '.join(returned.names)}"[:_DETAIL])
    try:
        values = returned.in_order(names)
    except ConfigError as error:
        return Answer(None, f"gave other channels: {error}"[:_DETAIL])
    bad = [name for name, value in zip(names, values, strict=True) if not np.isfinite(value)]
    if bad:
        return Answer(None, f"gave no finite number for {', '.join(bad)}")
    return Answer(values.tolist())
