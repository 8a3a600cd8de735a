"""A camera through OpenCV, as a `Camera`."""

import time
from collections.abc import Mapping

from hilt_camera_opencv.capture import Kind, Source
from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.grabber import Grabber
from hilt_camera_opencv.identity import identity
from hilt_hooks import ConnectError, DeviceLost, Frame, Signal

_FIRST_FRAME_S = 10.0


class OpenCVCamera:
    """One stream of (height, width, 3) uint8 frames.

    A device gives frames in the configured mode or is refused; a stream or a file has to have that size. A file plays at
    `fps` and is lost at its end; connecting again plays it again.
    """

    def __init__(self, config: OpenCVConfig) -> None:
        self._config = config
        self._source = Source.of(config.index_or_path)
        self._grabber: Grabber | None = None
        self._seen = -1

    @property
    def streams(self) -> tuple[Signal, ...]:
        return (Signal("", "", (self._config.height, self._config.width, 3), "uint8"),)

    @property
    def fps(self) -> float:
        return self._config.fps

    def identify(self) -> Mapping[str, str]:
        """Where it is plugged in, with the vendor and the serial number of the USB device."""
        return identity(self._source)

    def connect(self) -> None:
        """Returns with frames on their way. Sequence numbers go on from the last connection."""
        self.disconnect()
        self._grabber = Grabber(self._source, self._config, self._seen + 1)
        try:
            self._wait_for_frames(self._grabber)
        except DeviceLost as error:
            self.disconnect()
            raise ConnectError(str(error)) from error
        except ConnectError:
            self.disconnect()
            raise

    def disconnect(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
            self._seen = max(self._seen, self._grabber.sequence - 1)
            self._grabber = None

    def read(self, timeout_s: float) -> Frame:
        if self._grabber is None:
            raise DeviceLost(f"{self._source} is not connected; call connect() first")
        frame = self._grabber.next(self._seen, timeout_s)
        if frame is None:
            raise TimeoutError(f"{self._source}: no frame for {timeout_s:g} s")
        self._seen = frame.sequence
        return frame

    def _wait_for_frames(self, grabber: Grabber) -> None:
        if grabber.next(self._seen, _FIRST_FRAME_S) is None:
            raise ConnectError(f"{self._source} opened no stream of frames within {_FIRST_FRAME_S:g} s")
        if self._source.kind is Kind.FILE:
            return
        settled = time.monotonic() + self._config.warmup_s
        while (left := settled - time.monotonic()) > 0:
            frame = grabber.next(self._seen, left)
            self._seen = self._seen if frame is None else frame.sequence
