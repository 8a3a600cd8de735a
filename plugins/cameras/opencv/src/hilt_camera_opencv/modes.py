"""The formats, sizes and rates that a camera has, asked of its driver (Video4Linux2).

Source: the kernel's userspace API, linux/videodev2.h; the requests are numbered and the structures laid out as there.
"""

import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from itertools import count

from attrs import frozen

ENUM_FMT, ENUM_SIZES, ENUM_INTERVALS = 0xC0405602, 0xC02C564A, 0xC034564B
"""VIDIOC_ENUM_FMT, VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS."""

_CAPTURE = 1
_DISCRETE = 1
_FORMAT = struct.Struct("=III32sI4I")
_SIZE = struct.Struct("=III6I2I")
_INTERVAL = struct.Struct("=IIIII6I2I")
_MOST = 64
"""Of one list: a driver that never says that it is over is believed no further."""

Query = Callable[[int, bytes], bytes | None]
"""(request, structure) -> the structure as the driver fills it in, None where the list is over."""


@frozen(order=True)
class DeviceMode:
    """One size in one format, with its rates, frames a second, fastest first."""

    fourcc: str
    width: int
    height: int
    rates: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.fourcc} {self.width}x{self.height} at {', '.join(f'{rate:g}' for rate in self.rates) or '?'} fps"


def modes_of(path: str) -> list[DeviceMode]:
    """Opens the device for asking only: works while another program uses it. Raises OSError."""
    if sys.platform != "linux":
        return []
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        return list(listed(lambda request, data: _ask(descriptor, request, data)))
    finally:
        os.close(descriptor)


def listed(query: Query) -> Iterator[DeviceMode]:
    """What a driver lists. Sizes and rates that it gives as ranges are shown by their ends."""
    for index in range(_MOST):
        answer = query(ENUM_FMT, _FORMAT.pack(index, _CAPTURE, 0, b"", 0, 0, 0, 0, 0))
        if answer is None:
            return
        pixels = _FORMAT.unpack(answer)[4]
        for width, height in _sizes(query, pixels):
            yield DeviceMode(
                pixels.to_bytes(4, "little").decode("ascii", "replace"), width, height, _rates(query, pixels, width, height)
            )


def _sizes(query: Query, pixels: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        answer = query(ENUM_SIZES, _SIZE.pack(index, pixels, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        if answer is None:
            return
        kind, *numbers = _SIZE.unpack(answer)[2:]
        if kind != _DISCRETE:  # the smallest and largest width, the step, the smallest and largest height
            yield from ((numbers[0], numbers[3]), (numbers[1], numbers[4]))
            return
        yield numbers[0], numbers[1]


def _rates(query: Query, pixels: int, width: int, height: int) -> tuple[float, ...]:
    rates = []
    for index in count():
        answer = query(ENUM_INTERVALS, _INTERVAL.pack(index, pixels, width, height, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        if answer is None or index == _MOST:
            break
        kind, numerator, denominator = _INTERVAL.unpack(answer)[4:7]
        rates += [round(denominator / numerator, 2)] if numerator else []
        if kind != _DISCRETE:
            break
    return tuple(sorted(rates, reverse=True))


def _ask(descriptor: int, request: int, data: bytes) -> bytes | None:
    import fcntl

    try:
        return fcntl.ioctl(descriptor, request, data)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):  # the end of a list; no camera
            return None
        raise
