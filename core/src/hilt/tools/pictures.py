"""Images as PNG files."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLOUR = {1: 0, 3: 2}
"""Channels -> PNG's colour type."""


def write_png(path: Path, image: NDArray[Any]) -> None:
    """image: (h, w, 3) or (h, w, 1), uint8 or uint16."""
    height, width, channels = image.shape
    depth = image.dtype.itemsize
    rows = np.ascontiguousarray(image.astype(f">u{depth}")).view(np.uint8).reshape(height, width * channels * depth)
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8 * depth, _COLOUR[channels], 0, 0, 0)
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(unfiltered.tobytes(), 3)) + _chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
