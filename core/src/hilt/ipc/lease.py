"""The lease: the session says that it is alive; the rig holds when it no longer does."""

import mmap
import time
from pathlib import Path

RENEW_S = 0.02
EXPIRES_S = 0.06


class LeaseHolder:
    """Renewed from the loop that handles events, never from a thread of its own."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self._cell = memoryview(self._map).cast("q")
        self.renew()

    def renew(self) -> None:
        self._cell[0] = time.monotonic_ns()


class Lease:
    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
        self._cell = memoryview(self._map).cast("q")
        self._asked_ns, self._back_ns = time.monotonic_ns(), 0

    def silent_ns(self, now_ns: int, pause_ns: int) -> int:
        """For how long the session has not renewed it.

        Where the caller itself was away for longer than `pause_ns`, so was the machine: the session gets as long again to
        renew, once.
        """
        renewed_ns = self.renewed_ns()
        if now_ns - self._asked_ns > pause_ns and renewed_ns > self._back_ns:
            self._back_ns = now_ns
        self._asked_ns = now_ns
        return now_ns - max(renewed_ns, self._back_ns)

    def renewed_ns(self) -> int:
        """When the session last renewed it, monotonic."""
        return self._cell[0]
