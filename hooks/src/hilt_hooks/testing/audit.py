"""What a piece of code does to the outside, seen by Python's audit events."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_OUTSIDE = (
    "open",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.scandir",
    "os.posix_spawn",
    "os.system",
    "socket.",
    "subprocess.Popen",
)

_local = threading.local()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    seen = getattr(_local, "seen", None)
    if seen is not None and event.startswith(_OUTSIDE):
        seen.append(f"{event} {arguments[0] if arguments else ''}".strip())


@cache
def _install() -> None:
    # An audit hook stays for the life of the process, so there is one, and it is idle outside `outside_events`.
    sys.addaudithook(_hook)


@contextmanager
def outside_events() -> Iterator[list[str]]:
    """Collect what this thread opens, creates or removes, and the programs it starts."""
    _install()
    seen: list[str] = []
    _local.seen = seen
    try:
        yield seen
    finally:
        _local.seen = None
