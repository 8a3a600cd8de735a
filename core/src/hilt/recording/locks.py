"""Who works on a dataset and its logs. A lock goes with the process that holds it, however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hilt_hooks import HiltError

_ENDS_S = 10.0
"""For how long the recorder of a session that was killed, or is ending, is waited for."""


@contextmanager
def session_lock(session: Path) -> Iterator[IO[bytes] | None]:
    """Held by the recorder of a session while it runs. None if somebody else holds it."""
    with open(session / "recorder.lock", "ab") as lock:
        yield lock if _is_free(lock) else None


@contextmanager
def only_session(session: Path) -> Iterator[None]:
    """Held by a recorder while it runs: no other session records into the same dataset.

    session: its folder, `<dataset>/hilt/logs/<session>`. Raises HiltError where another one does.
    """
    with open(session.parent / "recording.lock", "a+b") as lock:
        until = time.monotonic() + _ENDS_S
        while not _is_free(lock):
            if time.monotonic() > until:
                raise HiltError(_taken(lock, session.parent))
            time.sleep(0.01)
        lock.truncate(0)
        lock.write(f"{session.name} {os.getpid()}".encode())
        lock.flush()
        yield


def _taken(lock: IO[bytes], root: Path) -> str:
    lock.seek(0)
    name, _, recorder = lock.read().decode().partition(" ")
    return (
        f"{root / name}: this session still records into the same dataset (its recorder is process {recorder}); end it, "
        f"or record into another one"
    )


@contextmanager
def compaction_lock(root: Path) -> Iterator[None]:
    """Held while the dataset is changed: one at a time among all processes; the others wait. root: `<dataset>/hilt/logs`."""
    with open(root / "compaction.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_free(lock: IO[bytes]) -> bool:
    """Then it is held from now on."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
