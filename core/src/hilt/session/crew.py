"""The processes around a session: started in an order in which nothing moves too early, watched, replaced, and ended."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from attrs import define, field

from hilt.ipc import messages
from hilt.ipc.lease import Lease
from hilt.ipc.messages import Status, StatusState
from hilt.ipc.process import create_mailbox, interrupts_withheld
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import beat, orphans, status_ring
from hilt_hooks import ConnectError

START_S = 60.0
END_S = 30.0
END_BY_FORCE_S = 5.0
HANDED_OVER_S = 3.0
LONGEST_PAUSE_S = 10.0
"""Between two attempts to replace a process that keeps ending."""
STUCK = 5
"""A process that has been silent for so many times its patience is ended by force, and replaced."""
LOOKS_EVERY_NS = 20_000_000


@define(kw_only=True)
class Duty:
    """What a process is there for.

    run: its main, called with what `setup` gives, which is asked anew for every successor. patience_s: for how long it may not
    look at its messages. replaced: whether a successor takes its place when it dies.
    """

    run: Callable[[Any], None]
    setup: Callable[[], Any]
    patience_s: float = float("inf")
    replaced: bool = False


class Stage(Enum):
    STARTING = "starting"
    READY = "ready"
    SILENT = "silent"
    ENDED = "ended"


@define
class Member:
    """A process, or one after the other that have the same duty. failures: since one of them was ready."""

    name: str
    duty: Duty
    process: SpawnProcess
    run_dir: Path
    stage: Stage = Stage.STARTING
    started_s: float = field(factory=time.monotonic)
    failures: int = 0
    _ring: RingReader | None = field(default=None, init=False)
    _beat: Lease | None = field(default=None, init=False)

    def statuses(self) -> Iterator[Status]:
        """What it says. A failure of the process itself is its last word: that it then ends is no news."""
        path = self.run_dir / status_ring(self.name)
        if self._ring is None and path.exists():
            self._ring = RingReader(path, after=0)
        for packed in self._ring.drain() if self._ring is not None else ():
            status = messages.decode(packed)
            if not isinstance(status, Status):
                continue
            if status.state == StatusState.READY and self.stage is Stage.STARTING:
                self.stage, self.failures = Stage.READY, 0
            elif status.state == StatusState.FAILED and status.device == self.name:
                self.stage = Stage.ENDED
            yield status

    def change(self) -> Status | None:
        """What is to be said of it although it says nothing itself: `died`, `silent`, `answers`, each once."""
        if self.stage is Stage.ENDED:
            return None
        if not self.process.is_alive():
            self.stage = Stage.ENDED
            return Status(device=self.name, state=StatusState.DIED, detail=self.ending)
        is_silent = self._silent_s() > self.duty.patience_s
        if self.stage is Stage.READY and is_silent:
            self.stage = Stage.SILENT
            return Status(device=self.name, state=StatusState.SILENT, detail=f"the {self.name} process does not answer")
        if self.stage is Stage.SILENT and not is_silent:
            self.stage = Stage.READY
            return Status(device=self.name, state=StatusState.ANSWERS)
        return None

    @property
    def ending(self) -> str:
        return f"the {self.name} process ended (exit {self.process.exitcode})"

    @property
    def is_stuck(self) -> bool:
        if self.stage is Stage.STARTING:
            return time.monotonic() - self.started_s > START_S
        return self.stage is Stage.SILENT and self._silent_s() > STUCK * self.duty.patience_s

    @property
    def is_due(self) -> bool:
        """Whether a successor may start: the first at once, the next ones after growing pauses."""
        pause_s = min(2.0 ** min(self.failures, 8) - 1, LONGEST_PAUSE_S)
        return self.stage is Stage.ENDED and not self.process.is_alive() and time.monotonic() - self.started_s >= pause_s

    def _silent_s(self) -> float:
        path = self.run_dir / beat(self.name)
        if self._beat is None and path.exists():
            self._beat = Lease(path)
        return 0.0 if self._beat is None else self._beat.silent_ns(time.monotonic_ns(), LOOKS_EVERY_NS) / 1e9


@define
class _Awaited:
    """A process that starts. waits_for: those of its devices that are neither ready nor known to fail."""

    member: Member
    waits_for: set[str]
    said: list[Status] = field(factory=list)
    failures: list[ConnectError] = field(factory=list)

    def look(self) -> None:
        was_alive = self.member.process.is_alive()  # asked first: what a process says before it ends is then heard
        for status in self.member.statuses():
            self.said.append(status)
            if status.device in self.waits_for and status.state == StatusState.FAILED:
                self.failures.append(ConnectError(status.detail))
            if status.state in (StatusState.READY, StatusState.FAILED):
                self.waits_for.discard(status.device)
        if self.waits_for and not was_alive:
            self.waits_for.clear()
            self.failures.append(ConnectError(f"{self.member.ending} before it was ready"))


def _said(awaited: Sequence[_Awaited]) -> list[tuple[str, Status]]:
    """With who said it. Raises ConnectError with what failed and who is late."""
    failures = [failure for each in awaited for failure in each.failures]
    if late := sorted(name for each in awaited for name in each.waits_for):
        failures.append(ConnectError(f"{', '.join(late)}: not ready within {START_S:g} s"))
    if failures:
        raise failures[0] if len(failures) == 1 else ConnectError("the session cannot start", failures)
    return [(each.member.name, status) for each in awaited for status in each.said]


class Crew:
    def __init__(self, run_dir: Path, renew: Callable[[], None], tend: Callable[[], None]) -> None:
        """renew: the session's lease, while processes are started. tend: called while waiting for them; it may raise."""
        self._run_dir, self._renew, self._tend = run_dir, renew, tend
        self._context = multiprocessing.get_context("spawn")
        self.members: dict[str, Member] = {}

    def start(self, name: str, duty: Duty) -> Member:
        create_mailbox(self._run_dir, name)
        member = self.members[name] = Member(name, duty, self._spawn(name, duty), self._run_dir)
        return member

    def wait_ready(self, devices: dict[str, Collection[str]]) -> list[tuple[str, Status]]:
        """Until each of the processes, or of the devices that are listed for it, says `ready`.

        Gives everything that they said, with who said it: one that was ready may be so no more. Raises ConnectError with
        everything that keeps them from being ready.
        """
        awaited = [_Awaited(self.members[name], set(listed or {name})) for name, listed in devices.items()]
        until = time.monotonic() + START_S
        while any(each.waits_for for each in awaited) and time.monotonic() < until:
            self._tend()
            for each in awaited:
                each.look()
            time.sleep(0.01)
        return _said(awaited)

    def statuses(self) -> Iterator[tuple[str, Status]]:
        """What the processes say, and what is to be said of them."""
        for member in self.members.values():
            said = list(member.statuses())
            if change := member.change():
                said += [*member.statuses(), change]  # whoever has just ended may have said something before
            for status in said:
                yield member.name, status

    def replace(self) -> Iterator[tuple[str, Status]]:
        """End those that are stuck, and start successors of those that ended. Gives what keeps them from starting."""
        for member in self.members.values():
            if member.duty.replaced and member.is_stuck:
                member.process.kill()
            if member.duty.replaced and member.is_due:
                try:
                    self.start_again(member.name)
                except OSError as error:
                    member.stage = Stage.ENDED
                    why = f"it cannot be started: {error}"
                    yield member.name, Status(device=member.name, state=StatusState.FAILED, detail=why)

    def start_again(self, name: str) -> None:
        member = self.members[name]
        member.failures += 1
        member.started_s, member.stage = time.monotonic(), Stage.STARTING
        member.process = self._spawn(name, member.duty)

    def has(self, name: str) -> bool:
        """Whether this process is there, and alive."""
        return name in self.members and self.members[name].process.is_alive()

    def join(self, name: str, timeout_s: float = END_S) -> bool:
        """Wait for the end of a process. False if it did not come."""
        member = self.members.get(name)
        if member is None:
            return True
        until = time.monotonic() + timeout_s
        while member.process.is_alive() and time.monotonic() < until:
            self._tend()
            time.sleep(0.01)
        return not member.process.is_alive()

    def end(self) -> None:
        """After Stop: wait for everybody; whoever stays is terminated, in the end by force. Arms hold either way."""
        for member in self.members.values():
            if not self.join(member.name, timeout_s=5.0):
                member.process.terminate()
                member.process.join(END_BY_FORCE_S)
                member.process.kill()

    def _spawn(self, name: str, duty: Duty) -> SpawnProcess:
        process = self._context.Process(target=duty.run, args=(duty.setup(),), name=f"hilt-{name}")
        resource_tracker.ensure_running()  # it would be started on the way, and let interrupts through
        self._renew()
        with interrupts_withheld():
            process.start()
        self._renew()
        return process


def relieve_orphans(opens: set[str]) -> Iterator[int]:
    """End the rigs that hold arms at these addresses for a session that is gone. The arms stay torqued.

    Gives the pid of each once it has ended. Raises ConnectError if one does not.
    """
    for note in orphans(opens):
        with suppress(ProcessLookupError):
            os.kill(note.pid, signal.SIGTERM)
        until = time.monotonic() + HANDED_OVER_S
        while note.runs:
            if time.monotonic() > until:
                raise ConnectError(
                    f"process {note.pid}, the rig of a session that is gone, still holds the arm {HANDED_OVER_S:g} s after "
                    f"it was told to end: support the arm, end that process (kill -9 {note.pid}), and start again"
                )
            time.sleep(0.01)
        yield note.pid
