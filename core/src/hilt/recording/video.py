"""Encoding images one by one: H.264, every access unit complete and there at once."""

from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from hilt.ipc.messages import CameraColumn
from hilt_hooks import ConfigError

_OPTIONS = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "20",
    "forced-idr": "1",
    # What the conversion from RGB does; players of large images would assume BT.709 otherwise.
    "x264-params": "colormatrix=smpte170m:range=tv",
}


def check(camera: CameraColumn) -> None:
    """Raise ConfigError if images of this camera cannot be recorded."""
    where = f"camera {camera.name}: {camera.width}x{camera.height}x{camera.channels} {camera.dtype}"
    if camera.dtype != "uint8" or camera.channels != 3:
        raise ConfigError(f"{where} cannot be recorded: only colour images (3 channels, uint8) can; switch this stream off")
    if camera.width % 2 or camera.height % 2:
        even = f"{camera.width // 2 * 2}x{camera.height // 2 * 2}"
        raise ConfigError(
            f"{where} cannot be recorded: H.264 needs an even width and height; set the camera to {even}, for instance"
        )


class Encoder:
    """One camera's images as H.264 access units (Annex B), a keyframe at least every second image.

    Each keyframe is an IDR with its parameter sets, so that an episode can begin with any of them.
    """

    def __init__(self, camera: CameraColumn, fps: int) -> None:
        check(camera)
        self._name, self._shape = camera.name, (camera.height, camera.width, camera.channels)
        self._context = av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height, self._context.pix_fmt = camera.width, camera.height, "yuv420p"
        self._context.time_base, self._context.framerate = Fraction(1, fps), Fraction(fps)
        self._context.gop_size, self._context.thread_count = 2, 1
        self._context.options = dict(_OPTIONS)
        self._converter = VideoReformatter()
        self._count = 0
        self.clear()

    def clear(self) -> None:
        """The image before is black now."""
        self._frame = self._converted(np.zeros(self._shape, np.uint8))

    def encode(self, image: NDArray[np.uint8], keyframe: bool) -> bytes:
        """image: (h, w, 3) RGB. Gives the image's own access unit. Raises ValueError for another shape."""
        if image.shape != self._shape or image.dtype != np.uint8:
            what = f"an image of shape {image.shape}, {image.dtype}, where {self._shape}, uint8 was declared"
            raise ValueError(f"camera {self._name}: {what}")
        self._frame = self._converted(image)
        return self.repeat(keyframe)

    def repeat(self, keyframe: bool) -> bytes:
        """The image before once more: half the work of a new one, or less."""
        self._frame.pts = self._count
        self._frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        self._count += 1
        (packet,) = self._context.encode(self._frame)
        return bytes(packet)

    def _converted(self, image: NDArray[np.uint8]) -> av.VideoFrame:
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), "rgb24")
        return self._converter.reformat(frame, format="yuv420p", threads=1)
