"""What the processes of a session have in common: how they start, listen, and know that it is over."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import structs

from hilt.ipc import messages
from hilt.ipc.lease import LeaseHolder
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import SESSION, beat, status_ring

DETAIL_BYTES = 3000
"""The longest detail of a status that arrives whole."""

INTERRUPTS = (signal.SIGINT, signal.SIGHUP)
KEYS = (*INTERRUPTS, signal.SIGTSTP)
"""Signals that a terminal sends to every process in it."""


def ignore_interrupts() -> None:
    """Ctrl-C, Ctrl-Z and the end of a terminal reach every process in it; what they mean is for the session to say."""
    for number in KEYS:
        signal.signal(number, signal.SIG_IGN)


def show_name(name: str) -> None:
    """Where the system shows names of processes (Linux), this one's: at most 15 characters."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


@contextmanager
def interrupts_withheld() -> Iterator[None]:
    """Interrupts wait until the end of this. A process that is started meanwhile never gets any: it inherits the mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def lower_priority(by: int) -> None:
    """Give way to the rig.

    Linux weighs processes by terminal session first: niceness counts only among those of one session, and the kernel's
    own workers, which carry the bytes of a serial port, are in another. So this process gets a session of its own, and
    the niceness is also that session's.
    """
    os.nice(by)
    if sys.platform == "linux":
        with suppress(OSError):
            os.setsid()
            Path("/proc/self/autogroup").write_text(str(by))


def ask_for_real_time(priority: int) -> bool:
    """SCHED_FIFO for this process, not for those that it starts, where the system allows it."""
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (OSError, PermissionError):
        return False
    return True


def leave_real_time() -> None:
    """Back to the ordinary scheduler, for work that takes long."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def create_mailbox(run_dir: Path, process: str) -> None:
    """What a mailbox writes to. The session makes it, so that one who can still be heard says that there is no room for it."""
    _statuses(run_dir, process).close()
    LeaseHolder(run_dir / beat(process))


def _statuses(run_dir: Path, process: str) -> RingWriter:
    return RingWriter(run_dir / status_ring(process), slot_bytes=4096, slots=256)


class Mailbox:
    """What the session says, and a way to tell it how one is. Whoever looks into it regularly is alive.

    after: how many messages of the session were for somebody else, whose place this process takes.
    """

    def __init__(self, run_dir: Path, process: str, *, after: int = 0) -> None:
        self._ring = RingReader(run_dir / SESSION, after=after)
        self._status = _statuses(run_dir, process)
        self._beat = LeaseHolder(run_dir / beat(process))
        self._process = process
        parent = multiprocessing.parent_process()
        self._parent = os.getppid() if parent is None else parent.pid

    @property
    def orphaned(self) -> bool:
        """Whether the session's process is gone."""
        return os.getppid() != self._parent

    def receive(self) -> list[messages.AnyMessage]:
        self._beat.renew()
        return [messages.decode(message) for message in self._ring.drain()]

    def tell(self, state: messages.StatusState, *, device: str = "", detail: str = "", episode: int = -1) -> None:
        self.say(messages.Status(device=device or self._process, state=state, detail=detail, episode=episode))

    def say(self, status: messages.Status) -> None:
        detail = status.detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
        self._status.write(messages.encode(structs.replace(status, detail=detail)))
