"""How busy the machine was with work that is not ours."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROC = Path("/proc")
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_IDLE_COLUMNS = frozenset({3, 4, 8, 9})
"""Of the first line of /proc/stat: idle and iowait; guest time is in user time already. Stolen time counts as busy."""
_CPU_TIMES = slice(11, 15)
"""Of /proc/PID/stat behind the name: user and system time of the process and of the children that it has waited for."""
_PR_SET_CHILD_SUBREAPER = 36


class Load:
    """From now on: the CPU time of the machine, less that of this process and of everything it has started. Linux only.

    A process whose parent was killed is one of the others, unless this process is `adopting`. What the kernel does on our
    behalf in threads of its own counts as the others', a few percent in a session.
    """

    def __init__(self) -> None:
        self._began_s, self._busy_s, self._ours_s = time.monotonic(), _busy_s(), _ours_s()

    def others(self) -> float:
        """The share of the whole machine that others have used so far, 0 to 1."""
        capacity_s = (time.monotonic() - self._began_s) * (os.cpu_count() or 1)
        foreign_s = (_busy_s() - self._busy_s) - (_ours_s() - self._ours_s)
        return min(1.0, max(0.0, foreign_s / capacity_s))


@contextmanager
def adopting() -> Iterator[None]:
    """Meanwhile a process below this one whose parent ends becomes a child of this one, and not of init. See `bury`."""
    _adopt(True)
    try:
        yield
    finally:
        _adopt(False)


def bury() -> None:
    """Let go of all children that have ended. One that a Popen was to wait for loses its exit code."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _adopt(is_on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(is_on), *[ctypes.c_ulong(0)] * 3):
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def _busy_s() -> float:
    columns = (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    return sum(int(value) for column, value in enumerate(columns) if column not in _IDLE_COLUMNS) * _TICK_S


def _ours_s() -> float:
    parents, used = {}, {}
    for pid, fields in _processes():
        parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[_CPU_TIMES]))
    return sum(used[pid] for pid in parents if _descends(pid, parents)) * _TICK_S


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:  # ended meanwhile
            continue
        yield int(folder.name), text.rpartition(")")[2].split()
