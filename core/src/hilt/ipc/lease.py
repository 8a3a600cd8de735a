"""The lease: the session says that it is alive; the rig holds when it no longer does."""

import mmap
import time
from pathlib import Path

from hilt.ipc.space import allocate

RENEW_S = 0.02
EXPIRES_S = 0.06
_ONE_GAP_NS = round((EXPIRES_S - RENEW_S) * 1e9)
"""What one gap between two looks counts at most: it takes two until the lease has expired, however rare they are."""


class LeaseHolder:
    """Renewed from the loop that handles events, never from a thread of its own."""

    def __init__(self, path: Path) -> None:
        with open(path, "ab+") as file:
            allocate(file, 8)  # never shorter meanwhile: somebody may have it mapped
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
        self._asked_ns = self._silent_ns = 0

    def silent_ns(self, now_ns: int, period_ns: int) -> int:
        """For how long the session has not renewed it, counted in periods of the caller that really took place.

        A caller that was away for longer cannot tell a session that is gone from a machine that paused: of each gap between two
        calls at most `period_ns` count, and never so much that one pause alone is too long.
        """
        awake_ns = min(now_ns - self._asked_ns, period_ns, _ONE_GAP_NS)
        self._asked_ns = now_ns
        self._silent_ns = min(self._silent_ns + awake_ns, now_ns - self.renewed_ns())
        return self._silent_ns

    def renewed_ns(self) -> int:
        """When the session last renewed it, monotonic."""
        return self._cell[0]
