"""The processes around a session: started in an order in which nothing moves too early, watched, replaced, and ended."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from attrs import define, field

from hilt.ipc import messages
from hilt.ipc.lease import Lease
from hilt.ipc.messages import Status
from hilt.ipc.process import interrupts_withheld
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import alive, beat, orphans, status_ring
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


@define
class Member:
    """A process, or one after the other that have the same duty."""

    name: str
    duty: Duty
    process: SpawnProcess
    run_dir: Path
    is_ready: bool = False
    missed: bool = False
    silent: bool = False
    failures: int = 0
    again_s: float = 0.0
    _ring: RingReader | None = field(default=None, init=False)
    _beat: Lease | None = field(default=None, init=False)

    def statuses(self) -> Iterator[Status]:
        path = self.run_dir / status_ring(self.name)
        if self._ring is None and path.exists():
            self._ring = RingReader(path, after=0)
        for packed in self._ring.drain() if self._ring is not None else ():
            status = messages.decode(packed)
            if isinstance(status, Status):
                yield status

    def silent_s(self) -> float:
        """For how long it has not looked at its messages; 0 as long as it starts."""
        path = self.run_dir / beat(self.name)
        if not self.is_ready or not path.exists():
            return 0.0
        self._beat = self._beat or Lease(path)
        return self._beat.silent_ns(time.monotonic_ns(), LOOKS_EVERY_NS) / 1e9


class Crew:
    def __init__(self, run_dir: Path, tend: Callable[[], None]) -> None:
        """tend: called while waiting, so that the session's own duties (its lease) go on."""
        self._run_dir, self._tend = run_dir, tend
        self._context = multiprocessing.get_context("spawn")
        self.members: dict[str, Member] = {}

    def start(self, name: str, duty: Duty) -> Member:
        member = self.members[name] = Member(name, duty, self._spawn(name, duty), self._run_dir)
        return member

    def wait_ready(self, devices: dict[str, Collection[str]]) -> list[Status]:
        """Until each of the processes, or of the devices that are listed for it, says `ready`.

        Raises ConnectError with everything that they say instead.
        """
        waiting = {name: set(listed or {name}) for name, listed in devices.items()}
        seen, failures = [], []
        until = time.monotonic() + START_S
        while any(waiting.values()):
            self._tend()
            for name, left in waiting.items():
                is_alive = self.members[name].process.is_alive()
                for status in self.members[name].statuses():
                    seen.append(status)
                    if status.state == "failed" and status.device in left:
                        failures.append(ConnectError(status.detail))
                    if status.state in ("ready", "failed"):
                        left.discard(status.device)
                if left and not is_alive:
                    left.clear()
                    failures.append(ConnectError(f"{_ended(self.members[name])} before it was ready"))
            if time.monotonic() > until:
                late = sorted(set().union(*waiting.values()))
                failures.append(ConnectError(f"{', '.join(late)}: not ready within {START_S:g} s"))
                break
            time.sleep(0.01)
        if failures:
            raise failures[0] if len(failures) == 1 else ConnectError("the session cannot start", failures)
        for name in devices:
            self.members[name].is_ready = True
        return seen

    def statuses(self) -> Iterator[tuple[str, Status]]:
        """What the processes say, and what is to be said of them: `died`, `silent`, `answers`, each once."""
        for member in self.members.values():
            is_alive = member.process.is_alive()
            for status in member.statuses():
                if status.state == "ready":
                    member.is_ready, member.failures = True, 0
                elif status.state == "failed" and status.device == member.name:
                    member.missed, member.is_ready = True, False  # its last word: that it ends is no news
                yield member.name, status
            if not is_alive and not member.missed:
                member.missed, member.is_ready = True, False
                yield member.name, Status(device=member.name, state="died", detail=_ended(member))
            elif change := self._listen(member):
                yield member.name, change

    def replace(self) -> None:
        """Start successors of those that died: the first at once, the next ones after growing pauses."""
        for member in self.members.values():
            due = member.missed and not member.process.is_alive() and time.monotonic() >= member.again_s
            if member.duty.replaced and due:
                self.start_again(member.name)

    def start_again(self, name: str) -> None:
        member = self.members[name]
        member.again_s = time.monotonic() + min(2.0**member.failures, LONGEST_PAUSE_S)
        member.failures += 1
        member.process = self._spawn(name, member.duty)
        member.missed = member.silent = False

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
        self._tend()
        with interrupts_withheld():
            process.start()
        self._tend()
        return process

    def _listen(self, member: Member) -> Status | None:
        """Notice that a process no longer looks at its messages, or does again."""
        silent_s, patience_s = member.silent_s(), member.duty.patience_s
        if member.duty.replaced and silent_s > STUCK * patience_s:
            member.process.kill()
        if (silent_s > patience_s) == member.silent:
            return None
        member.silent = not member.silent
        if member.silent:
            return Status(device=member.name, state="silent", detail=f"the {member.name} process does not answer")
        return Status(device=member.name, state="answers")


def _ended(member: Member) -> str:
    return f"the {member.name} process ended (exit {member.process.exitcode})"


def relieve_orphans(opens: set[str]) -> list[int]:
    """End the rigs that hold arms at these addresses for a session that is gone. The arms stay torqued. Gives their pids."""
    relieved = []
    for note in orphans(opens):
        os.kill(note.pid, signal.SIGTERM)
        relieved.append(note.pid)
        until = time.monotonic() + HANDED_OVER_S
        while time.monotonic() < until and alive(note.pid):
            time.sleep(0.01)
    return relieved
