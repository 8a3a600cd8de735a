"""Decoding the video of a log."""

from collections.abc import Iterable, Iterator
from itertools import chain

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


def decode(packets: Iterable[bytes]) -> Iterator[NDArray[np.uint8]]:
    """H.264 access units -> (h, w, 3) RGB images, one each, in order."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    converter = VideoReformatter()
    for packet in chain(map(av.Packet, packets), [None]):
        for frame in decoder.decode(packet):
            yield np.asarray(converter.reformat(frame, format="rgb24", threads=1).to_ndarray(), np.uint8)
