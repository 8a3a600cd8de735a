"""Camera frames in a ring: a header, then the pixels."""

import struct
from pathlib import Path

import numpy as np

from hilt.ipc.ring import RingReader, RingWriter
from hilt_hooks import Frame

_HEADER = struct.Struct("<qqHHHH")
_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16))


class FrameWriter:
    """The frames of one stream. shape: (height, width, channels)."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str = "uint8", slots: int = 8) -> None:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._ring = RingWriter(path, slot_bytes=_HEADER.size + size, slots=slots, checksum=False)

    def write(self, frame: Frame) -> None:
        image = np.ascontiguousarray(frame.image)
        height, width, channels = image.shape
        header = _HEADER.pack(frame.time_ns, frame.sequence, height, width, channels, _DTYPES.index(image.dtype))
        self._ring.write(header, image.data.cast("B"))

    def close(self) -> None:
        self._ring.close()


class FrameReader:
    def __init__(self, path: Path, stream: str) -> None:
        self._ring, self._stream = RingReader(path), stream

    def latest(self, before_ns: int | None = None) -> Frame | None:
        """The newest frame, or the newest that was captured no later than `before_ns` (the oldest there is, if all are)."""
        frame = None
        for message in self._ring.backwards():
            frame = self._decode(message)
            if before_ns is None or frame.time_ns <= before_ns:
                break
        return frame

    def _decode(self, message: bytes) -> Frame:
        time_ns, sequence, height, width, channels, dtype = _HEADER.unpack_from(message)
        image = np.frombuffer(message, _DTYPES[dtype], offset=_HEADER.size).reshape(height, width, channels)
        return Frame(self._stream, image, time_ns, sequence)

    def close(self) -> None:
        self._ring.close()
