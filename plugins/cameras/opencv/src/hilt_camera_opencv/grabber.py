"""A thread that does what may block: opening a camera and waiting for its frames."""

import atexit
import itertools
import threading
import time
from typing import Any

import cv2
from attrs import evolve
from numpy.typing import NDArray

from hilt_camera_opencv.capture import Kind, Source, achieved, capture_time_ns, mismatch, open_capture, wanted
from hilt_camera_opencv.config import OpenCVConfig
from hilt_hooks import DeviceLost, Frame, HiltError

Image = NDArray[Any]
"""(height, width, 3) uint8; OpenCV's own stubs do not say so."""

_CLOSE_S = 1.0
_LOSS = {
    Kind.DEVICE: "gives no more frames: is it still plugged in?",
    Kind.STREAM: "gives no more frames: the stream has ended or stalled",
    Kind.FILE: "has no more frames: the video has ended",
}
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, -90: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Grabber:
    """Keeps the newest frame of one connection. sequence: the number of its first frame."""

    def __init__(self, source: Source, config: OpenCVConfig, sequence: int) -> None:
        self._source, self._config = source, config
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._newest: Frame | None = None
        self._ended: HiltError | None = None
        self.sequence = sequence
        self._thread = threading.Thread(target=self._run, name=str(source), daemon=True)
        atexit.register(self.close)  # the interpreter aborts when it ends under a thread that is in OpenCV
        self._thread.start()

    def next(self, after: int, timeout_s: float) -> Frame | None:
        """The newest frame, once its sequence number exceeds `after`; None if there is none in time.

        Raises what ended the connection: ConnectError if it never worked, else DeviceLost.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended is not None or self._is_newer(after), timeout_s)
            if self._newest is not None and self._is_newer(after):
                return self._newest
            if self._ended is not None:
                raise self._ended
            return None

    def close(self) -> None:
        """End the thread. One that hangs in a driver is left behind; it closes its camera when the driver returns."""
        self._closing.set()
        self._thread.join(_CLOSE_S)
        atexit.unregister(self.close)

    def _is_newer(self, sequence: int) -> bool:
        return self._newest is not None and self._newest.sequence > sequence

    def _run(self) -> None:
        try:
            self._grab()
        except HiltError as error:
            self._end(error)
        except cv2.error as error:
            self._end(DeviceLost(f"{self._source} failed: {error}"))

    def _end(self, error: HiltError) -> None:
        with self._changed:
            self._ended = error
            self._changed.notify_all()

    def _grab(self) -> None:
        capture = open_capture(self._source, self._config)
        try:
            backend, started_s = capture.getBackendName(), time.monotonic()
            for number in itertools.count():
                if self._source.kind is Kind.FILE:
                    self._closing.wait(started_s + number / self._config.fps - time.monotonic())
                if self._closing.is_set():
                    return
                if not capture.grab():
                    raise DeviceLost(f"{self._source} {_LOSS[self._source.kind]}")
                time_ns = capture_time_ns(backend, capture.get(cv2.CAP_PROP_POS_MSEC), time.monotonic_ns())
                self._publish(capture, time_ns)
        finally:
            capture.release()

    def _publish(self, capture: cv2.VideoCapture, time_ns: int) -> None:
        """A frame that cannot be decoded counts as captured, so it shows as a gap in the sequence."""
        decoded, image = capture.retrieve()
        if decoded:
            if self._newest is None:
                self._check_size(image, capture)
            frame = Frame("", self._convert(image), time_ns, self.sequence)
            with self._changed:
                self._newest = frame
                self._changed.notify_all()
        self.sequence += 1

    def _check_size(self, image: Image, capture: cv2.VideoCapture) -> None:
        """Some drivers promise one size and deliver another, and streams take no wishes: only a frame tells."""
        want = wanted(self._config)
        height, width = image.shape[:2]
        if (width, height) != (want.width, want.height):
            raise mismatch(self._source, want, evolve(achieved(capture), width=width, height=height))

    def _convert(self, image: Image) -> Image:
        if self._config.color_mode == "rgb":
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        if self._config.rotation:
            image = cv2.rotate(image, _ROTATIONS[self._config.rotation])
        return image
