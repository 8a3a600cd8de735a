"""Room in the folder of a session, taken before it is needed."""

import errno
import math
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from hilt_hooks import ConnectError


def allocate(file: BinaryIO, size: int) -> None:
    """Have a file, open at its end, hold at least `size` bytes that are really there.

    The first write to a page of a mapping for which there is no room kills the process (SIGBUS). Where the system cannot
    allocate without writing (macOS), zeros are written. Raises ConnectError if there is too little room.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size - file.tell()))
            file.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ConnectError(_too_little(Path(file.name).parent, size)) from error


def _too_little(folder: Path, size: int) -> str:
    needed_mb, free_mb = math.ceil(size / 1e5) / 10, shutil.disk_usage(folder).free / 1e6
    return (
        f"{folder}: a session needs {needed_mb:.1f} MB more there, {free_mb:.1f} MB are free; "
        "remove what is left there, or in a container give it more: docker run --shm-size=1g"
    )
