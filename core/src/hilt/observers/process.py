"""The observers' process. Each plugin's hooks are called in a thread of its own, so that a slow one delays no other.

What it says, as `Status` on `status-observers.ring`:

    ready      with device `observers`; it listens from the session's first message on, whenever it starts
    failed     with the plugin as device: a hook of it raised, which is said once; the other hooks are called all the same
    failed     with the plugin as device: a hook of it has been running for `SLOW_S`, or has not come back at the end
"""

import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, cast

from attrs import frozen

from hilt.ipc.messages import Status, StatusState, Stop
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.rundir import TICK, status_ring
from hilt.kernel import Registry
from hilt.observers.feed import Feed
from hilt.observers.story import Call, Story
from hilt.recording.status import RECORDER
from hilt_hooks import Lifecycle

NICENESS = 10
LEAVE_S = 3.0
"""How long hooks that are still to be called have after the end of the session."""

SLOW_S = 5.0
"""A hook that has been running for so long is named."""

_RECORDS = {StatusState.READY: True, StatusState.DONE: False, StatusState.FAILED: False}
_POLL_S = 0.02


@frozen(kw_only=True)
class ObserversSetup:
    """Data only: it travels to a spawned process. recorded: whether there is a recorder, whose last word is waited for."""

    run_dir: Path
    session: str
    recorded: bool


def run(setup: ObserversSetup) -> None:
    """The process's main: until the session's Stop and the recorder's last word, or until the session is gone."""
    ignore_interrupts()
    lower_priority(NICENESS)
    mailbox = Mailbox(setup.run_dir, "observers")
    registry = Registry.discover()
    Observers(setup, mailbox, [_Caller(registry, plugin) for plugin in registry.followers()]).run()


class Observers:
    def __init__(self, setup: ObserversSetup, mailbox: Mailbox, callers: "Sequence[_Caller]") -> None:
        self._mailbox, self._callers = mailbox, callers
        self._story = Story(setup.session)
        self._recorder = Feed(setup.run_dir / status_ring(RECORDER))
        self._ticks = Feed(setup.run_dir / TICK)
        self._stopped, self._recording, self._terminated = False, setup.recorded, False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, *_: object) -> None:
        self._terminated = True

    def run(self) -> None:
        self._mailbox.tell(StatusState.READY)
        while not (self._terminated or self._mailbox.orphaned or (self._stopped and not self._recording)):
            self._listen()
            time.sleep(_POLL_S)
        self._listen()
        self._call(self._story.end())
        for caller in self._callers:
            caller.close()
        until = time.monotonic() + LEAVE_S
        for caller in self._callers:
            caller.join(until - time.monotonic())
        self._report()

    def _listen(self) -> None:
        """Statuses are read first and heard last: what the session said before them is then known."""
        statuses = self._recorder.read()
        for message in [*self._mailbox.receive(), *self._ticks.read(), *statuses]:
            self._stopped |= isinstance(message, Stop)
            if isinstance(message, Status) and message.device == RECORDER:
                self._recording = _RECORDS.get(message.state, self._recording)
            self._call(self._story.hear(message))
        self._report()

    def _call(self, calls: Iterable[Call]) -> None:
        for call in calls:
            for caller in self._callers:
                caller.call(call)

    def _report(self) -> None:
        for caller in self._callers:
            for detail in caller.failures():
                self._mailbox.tell(StatusState.FAILED, device=caller.plugin, detail=detail)


class _Caller:
    """Calls the hooks of one plugin one after the other, in a thread that nobody waits for."""

    def __init__(self, registry: Registry, plugin: str) -> None:
        self.plugin = plugin
        self._hooks = _Noting(registry.lifecycle(self._failed, plugin))
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._failures: SimpleQueue[str] = SimpleQueue()
        self._named: set[str] = set()
        self._since_s: float | None = None
        self._thread = Thread(target=self._work, name=plugin, daemon=True)
        self._thread.start()

    def call(self, call: Call) -> None:
        self._calls.put(call)

    def failures(self) -> list[str]:
        """What hooks raised, and which one takes long, since the last time; each hook once."""
        since_s = self._since_s
        if since_s is not None and time.monotonic() - since_s > SLOW_S:
            self._name(
                f"slow {self._hooks.running}", f"{self._hooks.running} has been running for {SLOW_S:g} s; its later calls wait"
            )
        found = []
        with suppress(Empty):
            while True:
                found.append(self._failures.get_nowait())
        return found

    def close(self) -> None:
        """No more calls will come."""
        self._calls.put(None)

    def join(self, patience_s: float) -> None:
        """Let it come to its end. What is to be said if it does not is a failure."""
        self._thread.join(max(0.0, patience_s))
        if self._thread.is_alive():
            waiting = self._calls.qsize() - 1
            self._name("end", f"{self._hooks.running} has not come back; {waiting} later calls are not made")

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._since_s = time.monotonic()
            call(cast(Lifecycle, self._hooks))
            self._since_s = None

    def _failed(self, plugin: str, hook: str, error: BaseException) -> None:
        self._name(f"raised {hook}", f"{hook} raised {type(error).__name__}: {error}")

    def _name(self, key: str, detail: str) -> None:
        if key not in self._named:
            self._named.add(key)
            self._failures.put(detail)


class _Noting:
    """Lifecycle hooks, and the name of the one that was called last."""

    def __init__(self, hooks: Lifecycle) -> None:
        self._hooks = hooks
        self.running = ""

    def __getattr__(self, hook: str) -> Any:
        self.running = hook
        return getattr(self._hooks, hook)
