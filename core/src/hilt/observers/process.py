"""The observers' process. Hooks are called in a thread of their own, so that a slow one makes nothing be missed.

What it says, as `Status` on `status-observers.ring`:

    ready      with device `observers`; it listens from the session's first message on, whenever it starts
    failed     with the plugin as device: a hook of it raised, which is said once; the other hooks are called all the same
    failed     with device `observers`: at the end, a hook had not come back
"""

import signal
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from attrs import frozen

from hilt.ipc.messages import AnyMessage, Status, Stop, decode
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import TICK, status_ring
from hilt.kernel import Registry
from hilt.observers.story import Call, Story
from hilt.recording.status import RECORDER

NICENESS = 10
LEAVE_S = 3.0
"""How long hooks that are still to be called have after the end of the session."""

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
    Observers(setup, mailbox, _Caller(Registry.discover())).run()


class Observers:
    def __init__(self, setup: ObserversSetup, mailbox: Mailbox, caller: "_Caller") -> None:
        self._mailbox, self._caller = mailbox, caller
        self._story = Story(setup.session)
        self._recorder = _Feed(setup.run_dir / status_ring(RECORDER))
        self._ticks = _Feed(setup.run_dir / TICK)
        self._stopped, self._recording, self._terminated = False, setup.recorded, False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, *_: object) -> None:
        self._terminated = True

    def run(self) -> None:
        self._mailbox.tell("ready")
        while not (self._terminated or self._mailbox.orphaned or (self._stopped and not self._recording)):
            self._listen()
            time.sleep(_POLL_S)
        self._listen()
        for call in self._story.end():
            self._caller.call(call)
        unfinished = self._caller.finish(LEAVE_S)
        self._report()
        if unfinished:
            self._mailbox.tell("failed", detail=unfinished)

    def _listen(self) -> None:
        """Statuses are read first and heard last: what the session said before them is then known."""
        statuses = self._recorder.read()
        for message in [*self._mailbox.receive(), *self._ticks.read(), *statuses]:
            self._stopped |= isinstance(message, Stop)
            if isinstance(message, Status) and message.device == RECORDER and message.state in ("done", "failed"):
                self._recording = False
            for call in self._story.hear(message):
                self._caller.call(call)
        self._report()

    def _report(self) -> None:
        for plugin, detail in self._caller.failures():
            self._mailbox.tell("failed", device=plugin, detail=detail)


class _Feed:
    """A ring that may appear later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: RingReader | None = None

    def read(self) -> list[AnyMessage]:
        if self._ring is None:
            if not self._path.exists():
                return []
            self._ring = RingReader(self._path, from_start=True)
        return [decode(message) for message in self._ring.drain()]


class _Caller:
    """Calls hooks one after the other, in a thread that nobody waits for."""

    def __init__(self, registry: Registry) -> None:
        self._hooks = registry.lifecycle(self._failed)
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._failures: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._named: set[tuple[str, str]] = set()
        self._thread = Thread(target=self._work, name="hooks", daemon=True)
        self._thread.start()

    def call(self, call: Call) -> None:
        self._calls.put(call)

    def failures(self) -> list[tuple[str, str]]:
        """(plugin, what it raised where), since the last time; each hook of a plugin once."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self._failures.get_nowait())
        return found

    def finish(self, patience_s: float) -> str:
        """Let it come to the end. What is to be said of it if it does not."""
        self._calls.put(None)
        self._thread.join(patience_s)
        if not self._thread.is_alive():
            return ""
        return f"a hook of an installed plugin has not come back; {self._calls.qsize() - 1} later calls are not made"

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call(self._hooks)

    def _failed(self, plugin: str, hook: str, error: BaseException) -> None:
        if (plugin, hook) not in self._named:
            self._named.add((plugin, hook))
            self._failures.put((plugin, f"{hook} raised {type(error).__name__}: {error}"))
