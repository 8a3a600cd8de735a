"""Notes what a session makes durable, for `benchmarks.kills.power`: each Python with this folder on its PYTHONPATH runs it.

The notes say what was so before the fsync began; they are written after it has returned. So no more counts as durable than is.
"""

import json
import os
import stat
from contextlib import suppress
from typing import Any

NOTED = "HILT_BENCHMARK_NOTED"
"""The folder of a `benchmarks.kills.power.Disk`; without it nothing is noted."""
NOTES, KEPT = "notes.jsonl", "kept"

_fsync = os.fsync


def note_file(fd: int) -> dict[str, Any]:
    about = os.fstat(fd)
    return {"file": about.st_ino, "size": about.st_size}


def note_folder(path: str, kept: str) -> dict[str, Any]:
    """The names in a folder. Each file gets another name in `kept`, so that it is still there when this one is not."""
    names = {}
    for entry in os.scandir(path):
        names[entry.name] = entry.inode()
        if entry.is_file(follow_symlinks=False):
            with suppress(FileExistsError, FileNotFoundError):
                os.link(entry.path, os.path.join(kept, str(entry.inode())))
    return {"folder": path, "names": names}


def append(notes: str, note: dict[str, Any]) -> None:
    """One write, which does not mix with those of other processes."""
    out = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(out, json.dumps(note).encode() + b"\n")
    finally:
        os.close(out)


def follow(noted: str) -> None:
    """From now on, note every `os.fsync` of this process."""
    notes, kept = os.path.join(noted, NOTES), os.path.join(noted, KEPT)

    def fsync(fd: Any) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        note = note_folder(os.readlink(f"/proc/self/fd/{number}"), kept) if is_folder else note_file(number)
        _fsync(fd)
        append(notes, note)

    os.fsync = fsync


if NOTED in os.environ:
    follow(os.environ[NOTED])
