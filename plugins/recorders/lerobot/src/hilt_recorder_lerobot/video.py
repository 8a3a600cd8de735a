"""Videos of a dataset: writing one from a log, verifying it, reading frames of it."""

import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from attrs import frozen
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from hilt_hooks import HiltError
from hilt_recorder_lerobot.plugin import EncoderConfig
from hilt_recorder_lerobot.stats import ImageStats

_TICKS = 512
"""Units of the time base in a frame, so that every frame starts on a whole one at any integer rate."""

_NAL_TYPE = 0x1F
_NAL_IDR = 5
_ENCODERS = {"libsvtav1": "libsvtav1", "hevc": "libx265", "h264": "libx264"}
CODEC_NAMES = {"libsvtav1": "av1", "hevc": "hevc", "h264": "h264"}
"""What info.json calls them."""


class _ToRgb:
    """Frames -> (h, w, 3) uint8. Kept for a whole video: setting the conversion up takes longer than one conversion."""

    def __init__(self) -> None:
        self._converter = VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8]:
        return np.asarray(self._converter.reformat(frame, format="rgb24", threads=1).to_ndarray(), dtype=np.uint8)


class VideoProblem(HiltError):
    """A video that does not hold what the rows say."""


def is_key(packet: bytes) -> bool:
    """Whether an H.264 access unit in Annex B form holds an IDR picture."""
    start = packet.find(b"\0\0\1")
    while start >= 0 and start + 3 < len(packet):
        if packet[start + 3] & _NAL_TYPE == _NAL_IDR:
            return True
        start = packet.find(b"\0\0\1", start + 3)
    return False


@frozen
class Written:
    """What was put into a file. key_distance: the largest number of frames from one key frame to the next."""

    frames: int
    key_distance: int


def remux(packets: Iterable[bytes], stream: BinaryIO, fps: int) -> Written:
    """Put H.264 access units, one a frame and in display order, into an MP4, as they are."""
    keys: list[int] = []
    count = 0
    with closing(av.open(stream, "w", format="mp4")) as out:
        video = None
        for count, packet in enumerate(packets, start=1):
            if video is None:
                video = _stream_like(packet, out, fps)
            if is_key(packet):
                keys.append(count - 1)
            out.mux(_packet(packet, video, count - 1, fps))
    return Written(count, max(np.diff([*keys, count]).tolist(), default=0))


def _stream_like(first: bytes, out: Any, fps: int) -> Any:
    if not is_key(first):
        raise VideoProblem("the video does not begin with a key frame")
    with av.open(io.BytesIO(first), format="h264") as source:
        video = out.add_stream_from_template(source.streams.video[0])
    video.time_base = Fraction(1, fps * _TICKS)
    return video


def _packet(data: bytes, video: Any, index: int, fps: int) -> Any:
    packet = av.Packet(data)
    packet.stream = video
    packet.time_base = Fraction(1, fps * _TICKS)
    packet.pts = packet.dts = index * _TICKS
    packet.duration = _TICKS
    packet.is_keyframe = is_key(data)
    return packet


def encode(
    images: Iterable[NDArray[np.uint8]], stream: BinaryIO, fps: int, codec: str, config: EncoderConfig, threads: int | None
) -> Written:
    """Encode (h, w, 3) RGB images into an MP4."""
    count = 0
    with closing(av.open(stream, "w", format="mp4")) as out:
        video: Any = None
        for count, image in enumerate(images, start=1):
            if video is None:
                video = out.add_stream(_ENCODERS[codec], rate=fps, options=_options(codec, config, threads))
                video.height, video.width = image.shape[:2]
                video.pix_fmt = config.pix_fmt
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = count - 1, Fraction(1, fps)
            out.mux(video.encode(frame))
        if video is not None:
            out.mux(video.encode(None))
    return Written(count, config.g)


def _options(codec: str, config: EncoderConfig, threads: int | None) -> dict[str, str]:
    options = {"g": str(config.g), "crf": str(config.crf)}
    if codec == "libsvtav1":
        parallel = [f"lp={threads}"] if threads else []
        options["preset"] = str(config.preset if config.preset is not None else 12)
        options["svtav1-params"] = ":".join([f"fast-decode={config.fast_decode}", *parallel])
    elif codec == "hevc":
        pools = [f"pools={threads}"] if threads else []
        options["x265-params"] = ":".join(["log-level=error", "bframes=0", *pools])
    return options | dict(config.extra_options)


def examine(path: Path, fps: int, rows: int, shape: tuple[int, ...], sample: Collection[int]) -> tuple[ImageStats, str]:
    """Decode a whole video and prove that it has one picture a row, at the row's time.

    shape: (h, w, 3). sample: indices of the frames that the statistics are taken from. Gives them and the pixel format.
    Raises VideoProblem.
    """
    stats = ImageStats()
    wanted, to_rgb = set(sample), _ToRgb()
    count = 0
    with _opened(path) as container:
        video = container.streams.video[0]
        for index, frame in enumerate(_decoded(container, path)):
            count = index + 1
            if abs(float(frame.pts * video.time_base) - index / fps) > TOLERANCE_S:
                raise VideoProblem(f"frame {index} lies at {float(frame.pts * video.time_base):.4f} s, not {index / fps:.4f} s")
            if (frame.height, frame.width) != shape[:2]:
                raise VideoProblem(f"frame {index} is {frame.height}x{frame.width}, not {shape[0]}x{shape[1]}")
            if index in wanted:
                stats.add(to_rgb(frame))
        pix_fmt = str(video.codec_context.pix_fmt)
    if count != rows:
        raise VideoProblem(f"{rows} rows, but {count} frames")
    return stats, pix_fmt


TOLERANCE_S = 1e-4
"""How far a frame may lie from its row's time; LeRobot refuses what is further off."""


def _opened(path: Path) -> Any:
    try:
        container = av.open(str(path), format="mp4")
    except (OSError, av.FFmpegError) as error:
        raise VideoProblem(f"{path}: not a readable video ({error})") from error
    container.streams.video[0].codec_context.thread_count = 1
    return container


def _decoded(container: Any, path: Path) -> Iterator[Any]:
    try:
        yield from container.decode(video=0)
    except av.FFmpegError as error:
        raise VideoProblem(f"{path}: cannot be decoded ({error})") from error


def count_frames(path: Path) -> int:
    """Frames of a video, without decoding it."""
    with _opened(path) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def video_info(shape: tuple[int, ...], fps: int, codec: str, pix_fmt: str, encoder: Mapping[str, Any]) -> dict[str, Any]:
    """What info.json says about a video. encoder: g, crf, preset, fast_decode, extra_options."""
    return {
        "video.height": shape[0],
        "video.width": shape[1],
        "video.codec": codec,
        "video.pix_fmt": pix_fmt,
        "video.fps": fps,
        "video.channels": shape[2],
        "has_audio": False,
        "video.g": encoder["g"],
        "video.crf": encoder["crf"],
        "video.preset": encoder["preset"],
        "video.fast_decode": encoder["fast_decode"],
        "video.video_backend": "pyav",
        "video.extra_options": dict(encoder["extra_options"]),
        "is_depth_map": False,
    }


class VideoReader:
    """Frames of one video file by their time. Going forward by a few frames goes on decoding, anything else seeks."""

    _NEAR_S = 1.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = _opened(path)
        self._base = self._container.streams.video[0].time_base
        self._frames: Iterator[Any] = _decoded(self._container, path)
        self._last: Any = None
        self._to_rgb = _ToRgb()

    def close(self) -> None:
        self._container.close()

    def at(self, time_s: float) -> NDArray[np.uint8]:
        """The frame at `time_s`, (h, w, 3) RGB. Raises VideoProblem if none lies within 1e-4 s."""
        position = self._time(self._last) if self._last is not None else 0.0
        if not position - TOLERANCE_S <= time_s <= position + self._NEAR_S:
            self._container.seek(max(0, round(time_s / self._base)), stream=self._container.streams.video[0])
            self._frames, self._last = _decoded(self._container, self._path), None
        while self._last is None or self._time(self._last) < time_s - TOLERANCE_S:
            self._last = next(self._frames, None)
            if self._last is None:
                break
        if self._last is None or abs(self._time(self._last) - time_s) > TOLERANCE_S:
            raise VideoProblem(f"{self._path}: no frame at {time_s:.4f} s")
        return self._to_rgb(self._last)

    def _time(self, frame: Any) -> float:
        return float(frame.pts * self._base)
