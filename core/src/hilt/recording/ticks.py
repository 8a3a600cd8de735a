"""Ticks on their way into the log of their episode."""

from pathlib import Path

from hilt.ipc.messages import Tick, decode
from hilt.ipc.ring import RingReader

_EARLY = 64
"""How many ticks of the wait before an episode its log has."""


class TickInbox:
    """The rig's ring, which may appear later than the recorder. Ticks between two episodes have the number of the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: RingReader | None = None
        self._unread: list[Tick] = []
        self._lost = 0

    def read(self) -> None:
        """Take in what waits in the ring."""
        if self._ring is None:
            if not self._path.exists():
                return
            self._ring = RingReader(self._path, after=0)
        self._unread += [tick for tick in map(decode, self._ring.drain()) if isinstance(tick, Tick)]

    def take(self, episode: int) -> list[Tick]:
        """The ticks of this episode. Those of later ones stay, those of earlier ones come too late and go."""
        ticks = [tick for tick in self._unread if tick.episode == episode]
        self._unread = [tick for tick in self._unread if tick.episode > episode]
        return ticks

    def trim(self) -> None:
        """All ticks that were taken in so far are of a wait: only the newest are kept, and a gap in it is nobody's."""
        del self._unread[:-_EARLY]
        self.lost()

    def lost(self) -> int:
        """How many were overwritten before they could be read, since the last call."""
        total = self._ring.lost if self._ring else 0
        new, self._lost = total - self._lost, total
        return new
