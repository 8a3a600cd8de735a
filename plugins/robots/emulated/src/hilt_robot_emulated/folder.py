"""The run folder of a bench: where everything that belongs to it is found, by other processes too."""

import fcntl
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hilt_hooks import ConnectError

PREFIX = "hilt-bench-"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where shared memory lives on Linux


def root() -> Path:
    """Where run folders are: shared memory on Linux, the folder for temporary files elsewhere."""
    return _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())


def new_folder() -> Path:
    """A fresh folder named after this process; a process with several benches gets a number behind it."""
    _sweep()
    for number in itertools.count(1):
        folder = root() / (f"{PREFIX}{os.getpid()}" if number == 1 else f"{PREFIX}{os.getpid()}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return folder
    raise AssertionError


def _sweep() -> None:
    """Remove what benches left that were killed together with their starters; it would fill the memory."""
    for folder in root().glob(f"{PREFIX}*"):
        starter = folder.name.removeprefix(PREFIX).partition("-")[0]
        if starter.isdecimal() and not _exists(int(starter)) and not is_running(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def claim(folder: Path) -> int:
    """Mark `folder` as that of a running bench, until this process ends. Raises ConnectError if another one has it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ConnectError(f"a bench runs in {folder} already; end it, or choose another folder") from None
    return lock


def is_running(folder: Path) -> bool:
    """Whether the bench of `folder` is alive: a killed process keeps no lock, even before its parent has noticed."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def description_path(folder: Path) -> Path:
    return folder / "bench.json"


def control_path(folder: Path) -> Path:
    return folder / "control"


def picture_path(folder: Path) -> Path:
    return folder / "picture.ring"


def wire_path(folder: Path) -> Path:
    return folder / "wire.ring"


def frames_path(folder: Path, camera: str) -> Path:
    return folder / f"camera-{camera}.ring"


def calibration_folder(folder: Path) -> Path:
    return folder / "calibration"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all: a reader never sees half a file."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(content, indent=2))
    os.replace(draft, path)


def describe(folder: Path) -> dict[str, Any]:
    """The bench's own description. Raises ConnectError where no bench runs."""
    try:
        content: dict[str, Any] = json.loads(description_path(folder).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise ConnectError(f"no bench runs in {folder}; start one with: hilt emulate so101") from None
    if not is_running(folder):
        raise ConnectError(f"the bench of {folder} is gone; start one with: hilt emulate so101")
    return content


def running() -> Iterator[Path]:
    """The folders of the benches that run on this machine."""
    for folder in sorted(root().glob(f"{PREFIX}*")):
        try:
            describe(folder)
        except (ConnectError, PermissionError):
            continue
        yield folder


def find(bench: str) -> Path:
    """The folder of `bench`: a folder, its name, or "" for the only one that runs. Raises ConnectError."""
    if bench:
        folder = Path(bench) if os.sep in bench else root() / bench
        describe(folder)
        return folder
    found = list(running())
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConnectError("no bench runs; start one with: hilt emulate so101")
    raise ConnectError(f"{len(found)} benches run; say which one: {', '.join(folder.name for folder in found)}")


def is_emulated_port(port: str) -> bool:
    """Whether `port` is a bus of a bench that runs on this machine."""
    wanted = os.path.realpath(port)
    return any(os.path.realpath(known) == wanted for folder in running() for known in describe(folder)["ports"].values())
