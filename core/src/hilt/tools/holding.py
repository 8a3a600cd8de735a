"""Who has a device open, and whether we may."""

import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

_SHOWN = 60


@frozen
class Holder:
    """A process that has a device open."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})"


def holders(path: str) -> list[Holder]:
    """Other processes that have this device open; without privileges, only one's own can be seen (Linux).

    Nobody, for a pseudo-terminal: whoever made it has both of its ends.
    """
    wanted = os.path.realpath(path)
    if wanted.startswith("/dev/pts/"):
        return []
    return [Holder(pid, _program(pid)) for pid in _processes() if pid != os.getpid() and wanted in _open(pid)]


def refusal(path: str) -> str:
    """Why we may not open this device, and what to do; "" if we may, or if it is not there."""
    if not os.path.exists(path) or os.access(path, os.R_OK | os.W_OK):
        return ""
    group = _group(path)
    if group in _granted() and group not in _in_force():
        return f"no permission yet: you are in the group {group}, but logged in before you were; log in again"
    return f"no permission; run: sudo usermod -a -G {group} $USER, then log in again"


def _processes() -> Iterator[int]:
    yield from sorted(int(each.name) for each in Path("/proc").glob("[0-9]*"))


def _open(pid: int) -> set[str]:
    try:
        return {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:  # gone by now, or another user's
        return set()


def _program(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return "?"
    return words.decode(errors="replace").strip()[:_SHOWN] or "?"


def _group(path: str) -> str:
    try:
        return Path(path).group()
    except (OSError, KeyError):
        return "dialout"


def _granted() -> set[str]:
    """The groups that the system lists for this user."""
    user = pwd.getpwuid(os.getuid()).pw_name
    return {each.gr_name for each in grp.getgrall() if user in each.gr_mem}


def _in_force() -> set[str]:
    names = set()
    for number in os.getgroups():
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names
