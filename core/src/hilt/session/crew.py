"""The processes around a session: started in an order in which nothing moves too early, watched, and ended."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from hilt.ipc import messages
from hilt.ipc.messages import Status
from hilt.ipc.process import interrupts_withheld
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import alive, orphans, status_ring
from hilt_hooks import ConnectError

START_S = 60.0
END_S = 30.0
END_BY_FORCE_S = 5.0
HANDED_OVER_S = 3.0


class Member:
    def __init__(self, name: str, process: SpawnProcess, run_dir: Path) -> None:
        self.name, self.process = name, process
        self._path = run_dir / status_ring(name)
        self._ring: RingReader | None = None
        self.missed = False

    def statuses(self) -> Iterator[Status]:
        if self._ring is None and self._path.exists():
            self._ring = RingReader(self._path, from_start=True)
        if self._ring is not None:
            for packed in self._ring.drain():
                status = messages.decode(packed)
                if isinstance(status, Status):
                    yield status


class Crew:
    def __init__(self, run_dir: Path, tend: Callable[[], None]) -> None:
        """tend: called while waiting, so that the session's own duties (its lease) go on."""
        self._run_dir, self._tend = run_dir, tend
        self._context = multiprocessing.get_context("spawn")
        self.members: dict[str, Member] = {}

    def start(self, name: str, run: Callable[[Any], None], setup: Any) -> Member:
        process = self._context.Process(target=run, args=(setup,), name=f"hilt-{name}")
        resource_tracker.ensure_running()  # it would be started on the way, and let interrupts through
        with interrupts_withheld():
            process.start()
        member = self.members[name] = Member(name, process, self._run_dir)
        return member

    def wait_ready(self, member: Member, devices: frozenset[str] | None = None) -> list[Status]:
        """Until the process, or each of its `devices`, says `ready`. Raises ConnectError with what it says instead."""
        waiting, seen = set(devices or {member.name}), []
        until = time.monotonic() + START_S
        while waiting:
            self._tend()
            alive = member.process.is_alive()
            for status in member.statuses():
                seen.append(status)
                if status.state == "failed":
                    raise ConnectError(status.detail)
                if status.state == "ready":
                    waiting.discard(status.device)
            if waiting and not alive:
                raise ConnectError(f"the {member.name} process ended before it was ready (exit {member.process.exitcode})")
            if time.monotonic() > until:
                raise ConnectError(f"{', '.join(sorted(waiting))}: not ready within {START_S:g} s")
            time.sleep(0.01)
        return seen

    def statuses(self) -> Iterator[tuple[str, Status]]:
        """What the processes say. One that has died says `died`, once."""
        for member in self.members.values():
            alive = member.process.is_alive()
            for status in member.statuses():
                yield member.name, status
            if not alive and not member.missed:
                member.missed = True
                detail = f"the {member.name} process ended (exit {member.process.exitcode})"
                yield member.name, Status(device=member.name, state="died", detail=detail)

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
