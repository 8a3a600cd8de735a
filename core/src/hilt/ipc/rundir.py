"""The folder of a running session: its rings, its lease, and who is behind it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt_hooks import ConnectError
from hilt_hooks.usb import SERIAL_PORTS, located

LEASE = "lease"
SESSION = "session.ring"
TICK = "tick.ring"
CHUNKS = "chunks.ring"
RIG = "rig.json"


def status_ring(process: str) -> str:
    return f"status-{process}.ring"


def beat(process: str) -> str:
    return f"beat-{process}"


def camera_ring(camera: str) -> str:
    return f"camera-{camera}.ring"


@frozen
class RigNote:
    """What a rig leaves in its folder: its process, when that began, and the addresses of the arms that it holds."""

    pid: int
    began: str
    opens: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether there is a process of that number, and it is the one that wrote this: numbers are used again."""
        return alive(self.pid) and _began(self.pid) == self.began


def base() -> Path:
    """Where run folders lie: in memory where the system has a place for that."""
    shared = Path("/dev/shm")  # noqa: S108
    root = shared if sys.platform == "linux" and shared.is_dir() else Path(tempfile.gettempdir())
    return root / f"hilt-{os.getuid()}"


def create() -> Path:
    """A fresh folder for this process, `<base>/<pid>-...`; what dead sessions left without a rig is removed."""
    root = base()
    root.mkdir(mode=0o700, exist_ok=True)
    for folder in root.iterdir():
        if not alive(_session(folder)) and rig_of(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))


def addresses(devices: Any) -> set[str]:
    """What the plain data of devices opens: its `port`s, each by one name; the data itself where it names none."""

    def ports(data: Any) -> Iterator[str]:
        if isinstance(data, Mapping):
            for key, value in data.items():
                yield from [_one_name(str(value))] if key == "port" else ports(value)

    return set(ports(devices)) or {json.dumps(devices, sort_keys=True, default=str)}


def _one_name(port: str) -> str:
    """A port may be called by its path, by links, and by a serial number."""
    try:
        path = located(port, SERIAL_PORTS)
    except ConnectError:
        return port
    return os.path.realpath(path) if os.sep in path else path


def note_rig(folder: Path, opens: set[str]) -> None:
    draft = folder / f"{RIG}.new"
    draft.write_text(json.dumps({"pid": os.getpid(), "began": _began(os.getpid()), "opens": sorted(opens)}))
    draft.replace(folder / RIG)


def rig_of(folder: Path) -> RigNote | None:
    """The rig that still runs in a folder."""
    try:
        note = RigNote(**json.loads((folder / RIG).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.runs else None


def orphans(opens: set[str]) -> Iterator[RigNote]:
    """Rigs that hold an arm at one of these addresses although their session is gone."""
    root = base()
    for folder in root.iterdir() if root.is_dir() else ():
        note = rig_of(folder)
        if note is not None and opens & set(note.opens) and not alive(_session(folder)):
            yield note


def alive(pid: int) -> bool:
    """Whether the process runs. On Linux, one that was killed but whose parent has not noticed does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _stat(pid)[:1] != ["Z"]


def _began(pid: int) -> str:
    """When a process began, to be compared: in ticks since the start of the system on Linux, elsewhere as `ps` writes it."""
    if sys.platform == "linux":
        return "".join(_stat(pid)[19:20])
    ps = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(ps, env={"LC_ALL": "C", "TZ": "UTC"}, capture_output=True, text=True, check=False).stdout.strip()


def _stat(pid: int) -> list[str]:
    """What Linux says of a process, from its state on; nothing of one that is gone by now, or without /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _session(folder: Path) -> int:
    pid = folder.name.partition("-")[0]
    return int(pid) if pid.isdigit() else 0
