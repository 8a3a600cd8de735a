"""Opening a `cv2.VideoCapture` in the asked-for mode, or saying what it gives instead."""

import math
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Protocol

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # what OpenCV warns of is in our errors; a user's own setting wins
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")

import cv2
from attrs import frozen

from hilt_camera_opencv.config import OpenCVConfig
from hilt_hooks import ConnectError
from hilt_hooks.usb import CAMERAS, SERIAL, listed, located, usb_devices

_NETWORK_TIMEOUT_MS = 5000
_PLAUSIBLE_AGE_NS = 1_000_000_000
_FPS_TOLERANCE = 0.02


class Kind(Enum):
    DEVICE = "device"
    STREAM = "stream"
    FILE = "file"


@frozen
class Source:
    """Where frames come from. address: what OpenCV opens."""

    address: int | str
    kind: Kind

    @classmethod
    def of(cls, index_or_path: int | str) -> "Source":
        text = str(index_or_path)
        if text.isdecimal():
            return cls(int(text), Kind.DEVICE)
        if text.startswith(("/dev/", SERIAL)):
            return cls(text, Kind.DEVICE)
        return cls(text, Kind.STREAM if "://" in text else Kind.FILE)

    def __str__(self) -> str:
        return f"camera {self.address}"


@frozen
class Mode:
    """What a camera delivers, before any rotation. fps 0, fourcc "": it does not say."""

    width: int
    height: int
    fps: float
    fourcc: str = ""

    def __str__(self) -> str:
        rate = f" at {self.fps:g} fps" if self.fps else ""
        return f"{self.width}x{self.height}{rate}{f' {self.fourcc}' if self.fourcc else ''}"

    def same_size(self, other: "Mode") -> bool:
        return (self.width, self.height) == (other.width, other.height)

    def same_rate(self, other: "Mode") -> bool:
        return not (self.fps and other.fps) or math.isclose(self.fps, other.fps, rel_tol=_FPS_TOLERANCE)

    def same_format(self, other: "Mode") -> bool:
        return not (self.fourcc and other.fourcc) or self.fourcc == other.fourcc


class Properties(Protocol):
    """The part of `cv2.VideoCapture` that sets a mode."""

    def get(self, propId: int, /) -> float: ...  # noqa: N803

    def set(self, propId: int, value: float, /) -> bool: ...  # noqa: N803


def wanted(config: OpenCVConfig) -> Mode:
    """The mode that gives the configured frames once they are rotated."""
    width, height = (config.width, config.height) if config.rotation in (0, 180) else (config.height, config.width)
    return Mode(width, height, config.fps, config.fourcc or "")


def achieved(capture: Properties) -> Mode:
    code = max(0, int(capture.get(cv2.CAP_PROP_FOURCC)))
    fourcc = code.to_bytes(4, "little") if code < 1 << 32 else b""
    return Mode(
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        fps=max(0.0, capture.get(cv2.CAP_PROP_FPS)),
        fourcc=fourcc.decode("ascii", "replace") if fourcc.isalnum() else "",
    )


def open_capture(source: Source, config: OpenCVConfig) -> cv2.VideoCapture:
    """An open capture whose mode is as configured, as far as it says so itself. May block. Raises ConnectError."""
    capture = open_as_it_is(source, getattr(cv2, f"CAP_{config.backend}"))
    if source.kind is Kind.DEVICE:
        formats = _formats(capture.getBackendName(), config.fourcc)
        try:
            negotiate(capture, source, wanted(config), formats)
        except ConnectError:
            capture.release()
            raise
    return capture


def open_as_it_is(source: Source, backend: int = cv2.CAP_ANY) -> cv2.VideoCapture:
    """An open capture in whatever mode the source is. May block. Raises ConnectError."""
    capture = _open(source, backend)
    if not capture.isOpened():
        capture.release()
        raise ConnectError(f"{source} does not open: {_advice(source)}")
    return capture


def negotiate(capture: Properties, source: Source, mode: Mode, formats: tuple[str, ...]) -> None:
    """Set `mode` in the first of `formats` in which the device has it; "" leaves the format to the device.

    The format goes first: which sizes there are, and how fast, depends on it. Raises ConnectError.
    """
    attempts = []
    for fourcc in formats:
        if fourcc:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, mode.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, mode.height)
        capture.set(cv2.CAP_PROP_FPS, mode.fps)
        got = achieved(capture)
        if got.same_size(mode) and got.same_rate(mode) and got.same_format(mode):
            return
        attempts.append(got)
    raise mismatch(source, mode, *dict.fromkeys(attempts))


def mismatch(source: Source, mode: Mode, *given: Mode) -> ConnectError:
    listing = f"; `v4l2-ctl -d {_device_path(source)} --list-formats-ext` lists its modes" if source.kind is Kind.DEVICE else ""
    return ConnectError(
        f"{source}: asked for {mode}, it gives {', or '.join(map(str, given))}; "
        f"set width, height, fps and fourcc to what it has (width and height are meant after the rotation){listing}"
    )


def capture_time_ns(backend: str, position_ms: float, arrival_ns: int) -> int:
    """When a frame was captured. V4L2 stamps its buffers on the monotonic clock, elsewhere only the arrival is known."""
    stamp_ns = round(position_ms * 1e6)
    plausible = backend == "V4L2" and 0 <= arrival_ns - stamp_ns < _PLAUSIBLE_AGE_NS
    return stamp_ns if plausible else arrival_ns


def _open(source: Source, backend: int) -> cv2.VideoCapture:
    if source.kind is Kind.STREAM:
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            _NETWORK_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            _NETWORK_TIMEOUT_MS,
        ]
        return cv2.VideoCapture(str(source.address), backend, limits)
    address = source.address if isinstance(source.address, int) else located(source.address, CAMERAS)
    if source.kind is Kind.DEVICE and backend == cv2.CAP_ANY and sys.platform == "linux":
        backend = cv2.CAP_V4L2
    return cv2.VideoCapture(address, backend)


def _formats(backend: str, fourcc: str | None) -> tuple[str, ...]:
    """MJPG first: uncompressed frames of two or three cameras are more than a USB bus carries."""
    if fourcc:
        return (fourcc,)
    return ("MJPG", "YUYV") if backend == "V4L2" else ("",)


def _device_path(source: Source) -> str:
    return f"/dev/video{source.address}" if isinstance(source.address, int) else source.address


def _advice(source: Source) -> str:
    if source.kind is Kind.STREAM:
        return "is its server running, and the address right?"
    if source.kind is Kind.FILE:
        return "it is no video that OpenCV reads" if Path(str(source.address)).is_file() else "there is no such file"
    if sys.platform != "linux":
        return "plug it in, close the program that uses it, and allow this terminal to use the camera"
    path = _device_path(source)
    if not os.path.exists(path):
        return f"{path} is not there; {listed(usb_devices(CAMERAS), CAMERAS)}; `hilt find-cameras` shows what each sees"
    return f"`fuser -v {path}` names the program that holds it, `ls -l {path}` who may use it (group video)"
