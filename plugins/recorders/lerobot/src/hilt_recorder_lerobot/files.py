"""Files that are there whole or not at all, also after a power cut.

A file is written under `<name>.part` beside its final name, synced, and renamed. Readers of datasets look for
`*.parquet`, `*.mp4` and `*.json` and so never see a part.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hilt.log.files import sync_folder, sync_path
from hilt_hooks import HiltError

PART = ".part"


def part_of(path: Path) -> Path:
    return path.with_name(path.name + PART)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, and make the path durable, also where somebody was killed in between."""
    folder.mkdir(parents=True, exist_ok=True)
    sync_path(folder)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open the part of `path`; it is durable on leaving. `publish` makes it `path`."""
    make_folder(path.parent)
    with part_of(path).open("wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def publish(paths: Iterable[Path]) -> None:
    """Give written parts their names; return when the names are durable."""
    folders: dict[Path, None] = {}
    for path in paths:
        part_of(path).replace(path)
        folders[path.parent] = None
    for folder in folders:
        sync_folder(folder)


def replace(path: Path, data: bytes) -> None:
    """Write a small file, atomically."""
    with writing(path) as stream:
        stream.write(data)
    publish([path])


def delete(paths: Iterable[Path]) -> None:
    """Delete files that may be gone already; return when that is durable."""
    folders: dict[Path, None] = {}
    for path in paths:
        path.unlink(missing_ok=True)
        folders[path.parent] = None
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process that holds this lock. It is released with the process, however that ends.

    Raises HiltError at once if another process has it.
    """
    import fcntl

    make_folder(path.parent)
    with path.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HiltError(f"{path}: another process is writing this dataset; end it, then try again") from None
        yield
