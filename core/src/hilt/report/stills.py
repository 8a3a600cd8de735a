"""A few images out of an episode's video, without decoding all of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilt.log import EpisodeLog

_START = b"\x00\x00\x01"
_IDR_SLICE, _SEQUENCE_PARAMETERS = 5, 7


def stills(log: EpisodeLog, camera: str, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
    """The (h, w, 3) images of these rows, ascending. Decoding begins at the last key frame before each."""
    from hilt.log.video import decode

    packets = list(log.packets(camera))
    keys = [index for index, packet in enumerate(packets) if _is_key(packet)]
    found = []
    for row in rows:
        first = max((key for key in keys if key <= row), default=0)
        *_, image = decode(packets[first : row + 1])
        found.append(image)
    return found


def _is_key(packet: bytes) -> bool:
    """Whether an H.264 access unit can be decoded without those before it: its NAL units hold parameters or an IDR slice."""
    kinds = {unit[0] & 0x1F for unit in packet.split(_START)[1:] if unit}
    return bool(kinds & {_IDR_SLICE, _SEQUENCE_PARAMETERS})
