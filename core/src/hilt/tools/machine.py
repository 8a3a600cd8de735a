"""The computer, as the doctor sees it: real-time priority, processors, memory, the disk, the plugins."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hilt.ipc.process import ask_for_real_time, leave_real_time
from hilt.ipc.rundir import base
from hilt.kernel import Registry
from hilt.tools.findings import Finding, Level, Section, wrong

FREE_GB, LITTLE_GB = 20.0, 2.0
SHARED_MB = 256
SLOW_MB_S = 20.0
LONG_SYNC_S = 0.5
_BLOCK = 4 << 20
_BLOCKS = 8


def machine_section(folder: Path, registry: Registry) -> Section:
    return Section("this computer", [_real_time(), _processors(), *_shared_memory(), *_disk(folder), *_plugins(registry)])


def _real_time() -> Finding:
    if ask_for_real_time(1):
        leave_real_time()
        return Finding("real time", "available: commands are on time whatever else runs")
    if sys.platform != "linux":
        return Finding("real time", "not on this system; commands may be some ms late", Level.NOTE)
    advice = 'echo "$USER - rtprio 20" | sudo tee /etc/security/limits.d/hilt.conf, then log in again'
    return Finding("real time", "no permission; commands may be some ms late while others compute", Level.NOTE, advice)


def _processors() -> Finding:
    count, load = os.cpu_count() or 1, os.getloadavg()[0]
    text = f"{count}, load {load:.1f}"
    if load < count:
        return Finding("processors", text)
    return Finding("processors", f"{text}: other programs leave little", Level.NOTE, "end what is not needed while the arm moves")


def _shared_memory() -> Iterator[Finding]:
    """Where the rings of a session are: frames of all cameras go through it."""
    folder = base().parent
    free = shutil.disk_usage(folder).free / 2**20
    text = f"{free:.0f} MB free in {folder}"
    if free >= SHARED_MB:
        yield Finding("memory", text)
    else:
        yield wrong("memory", text, "remove what is left there; in a container, give it more: --shm-size=1g")


def _disk(folder: Path) -> Iterator[Finding]:
    place = next(each for each in (folder.expanduser().absolute(), *folder.expanduser().absolute().parents) if each.is_dir())
    free = shutil.disk_usage(place).free / 1e9
    if free < LITTLE_GB:
        yield wrong("disk", f"{free:.1f} GB free in {place}", "make room, or record elsewhere")
        return
    try:
        rate, longest = _speed(place)
    except OSError as error:
        yield wrong("disk", f"{place} cannot be written: {error.strerror}", "record elsewhere")
        return
    text = f"{free:.0f} GB free in {place}, {rate:.0f} MB/s, a save of 4 MB takes {longest * 1e3:.0f} ms at most"
    slow = rate < SLOW_MB_S or longest > LONG_SYNC_S
    advice = "record to a disk of this computer, no network folder and no SD card" if slow else ""
    yield Finding("disk", text, Level.NOTE if slow or free < FREE_GB else Level.GOOD, advice)


def _speed(folder: Path) -> tuple[float, float]:
    """(MB/s, the longest write of one block in s), each block durable before the next."""
    block, longest, whole = os.urandom(_BLOCK), 0.0, time.monotonic()
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_BLOCKS):
            began = time.monotonic()
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            longest = max(longest, time.monotonic() - began)
    return _BLOCK * _BLOCKS / 1e6 / (time.monotonic() - whole), longest


def _plugins(registry: Registry) -> Iterator[Finding]:
    broken = registry.broken()
    for row in broken:
        yield wrong(f"plugin {row.name}", row.reason, row.fix)
    if not broken:
        yield Finding("plugins", "all that are installed can be used")
