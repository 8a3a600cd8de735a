"""One camera inside the recorder: the frame that belongs to a tick, encoded in a thread of its own."""

import math
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from hilt.ipc.frames import FrameReader
from hilt.ipc.messages import CameraColumn
from hilt.ipc.rundir import camera_ring
from hilt.recording.columns import Seen
from hilt.recording.video import Encoder
from hilt_hooks import Frame


class CameraFeed:
    """Gives exactly one packet for every `take`, in order, whatever the camera does."""

    def __init__(self, camera: CameraColumn, fps: int, run_dir: Path) -> None:
        self._path = run_dir / camera_ring(camera.name)
        self._ring: FrameReader | None = None
        self._last: tuple[int, int] | None = None
        self._encoder = Encoder(camera, fps)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"encode-{camera.name}")

    def start_episode(self) -> None:
        """The next row has no row before it, and no image of another episode."""
        self._last = None
        self._thread.submit(self._encoder.clear)

    def take(self, read_ns: int, *, keyframe: bool, overloaded: bool) -> tuple[Seen, "Future[bytes]"]:
        """The newest frame captured until `read_ns`, or the image before once more if there is no newer one.

        overloaded: do not even look for a newer one; encoding the same image again is what can be done quickly.
        """
        frame = None if overloaded and self._last else self._newest(read_ns)
        if frame is None:
            age_ms = (read_ns - self._last[0]) / 1e6 if self._last else math.nan
            return Seen(age_ms, repeated=True), self._thread.submit(self._encoder.repeat, keyframe)
        self._last = (frame.time_ns, frame.sequence)
        return Seen((read_ns - frame.time_ns) / 1e6, repeated=False), self._thread.submit(
            self._encoder.encode, frame.image, keyframe
        )

    def close(self) -> None:
        self._thread.shutdown()

    def _newest(self, read_ns: int) -> Frame | None:
        """A frame that the row before did not have, and that is not from the future."""
        if self._ring is None:
            if not self._path.exists():
                return None
            self._ring = FrameReader(self._path, stream="")
        frame = self._ring.latest(before_ns=read_ns)
        if frame is None or frame.time_ns > read_ns or (frame.time_ns, frame.sequence) == self._last:
            return None
        return frame
