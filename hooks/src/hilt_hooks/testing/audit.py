"""What a piece of code does to the outside, seen by Python's audit events."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from attrs import frozen

_OUTSIDE = (
    "open",
    "os.chmod",
    "os.link",
    "os.listdir",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.utime",
    "socket.",
    "subprocess.Popen",
)

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_local = threading.local()


@frozen
class Outside:
    """One thing that was done to the outside. subject: the file, the address, the program."""

    event: str
    subject: str
    flags: int = 0

    @property
    def reads(self) -> bool:
        """Whether files or folders were only looked at."""
        return self.event in ("os.listdir", "os.scandir") or (self.event == "open" and not self.flags & _WRITING)

    def __str__(self) -> str:
        return f"{self.event} {self.subject}".strip()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    seen = getattr(_local, "seen", None)
    if seen is not None and event.startswith(_OUTSIDE):
        flags = arguments[2] if event == "open" else 0
        seen.append(Outside(event, os.fsdecode(_subject(arguments)), flags))


def _subject(arguments: tuple[Any, ...]) -> str | bytes:
    first = arguments[0] if arguments else ""
    return first if isinstance(first, bytes) else str(first)


@cache
def _install() -> None:
    # An audit hook stays for the life of the process, so there is one, and it is idle outside `outside_events`.
    sys.addaudithook(_hook)


@contextmanager
def outside_events() -> Iterator[list[Outside]]:
    """Collect what this thread opens, creates or removes, and the programs it starts."""
    _install()
    seen: list[Outside] = []
    _local.seen = seen
    try:
        yield seen
    finally:
        _local.seen = None
