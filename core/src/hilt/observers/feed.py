"""Rings as those who look on read them: they may appear later, and nobody waits for the reader."""

from pathlib import Path

from hilt.ipc.frames import FrameReader
from hilt.ipc.messages import AnyMessage, decode
from hilt.ipc.ring import RingReader
from hilt_hooks import Frame


class Feed:
    """The messages of a ring, from the first that is still there on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: RingReader | None = None

    def read(self) -> list[AnyMessage]:
        """All that came since the last time."""
        if self._ring is None:
            if not self._path.exists():
                return []
            self._ring = RingReader(self._path, after=0)
        return [decode(message) for message in self._ring.drain()]


class CameraFeed:
    """The newest frame of a camera."""

    def __init__(self, path: Path, camera: str) -> None:
        self._path, self._camera = path, camera
        self._frames: FrameReader | None = None

    def latest(self) -> Frame | None:
        if self._frames is None:
            if not self._path.exists():
                return None
            self._frames = FrameReader(self._path, self._camera)
        return self._frames.latest()
