"""A network camera: serves numbered frames as motion JPEG over HTTP on localhost.

The number of a frame is drawn into it, as black and white fields that survive JPEG, below a band of pure colours.
"""

import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from hilt_camera_opencv.capture import wanted
from hilt_camera_opencv.config import OpenCVConfig

Image = NDArray[np.uint8]

_BITS = 16
_BOUNDARY = "frame"
BAND = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
"""The colours of the upper half, from left to right, RGB."""


def draw(number: int, width: int, height: int) -> Image:
    """Frame `number` (of 0 to 65535), (height, width, 3) RGB. At least 128 pixels wide."""
    image = np.zeros((height, width, 3), np.uint8)
    for start, colour in enumerate(BAND):
        image[: height // 2, start * width // len(BAND) : (start + 1) * width // len(BAND)] = colour
    for bit in range(_BITS):
        image[height // 2 :, bit * width // _BITS : (bit + 1) * width // _BITS] = 255 * (number >> bit & 1)
    return image


def number_of(image: Image) -> int:
    """The number that `draw` has put into an unrotated frame."""
    height, width = image.shape[:2]
    centres = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, centre in enumerate(centres) if image[3 * height // 4, centre].mean() > 127)


class MjpegServer:
    """Gives what a camera of this configuration expects. Closed and started again, it has the same address.

    Frames are numbered from 0 through all connections and starts.
    """

    def __init__(self, config: OpenCVConfig) -> None:
        self._mode = wanted(config)
        self._port = 0
        self._numbers = itertools.count()
        self._drawn_ns: dict[int, int] = {}
        self._closing = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def captured_ns(self, image: Image) -> int:
        """When the frame that this image shows was drawn, by the number in it, monotonic."""
        return self._drawn_ns[number_of(image)]

    def start(self) -> None:
        self._closing.clear()
        self._server = _Server(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Ends all connections."""
        self._closing.set()
        self._flowing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def freeze(self) -> None:
        """Connections stay, frames stop, until `thaw`."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _part(self) -> bytes:
        """The next frame, as one part of the multipart answer."""
        number = next(self._numbers) % (1 << _BITS)
        image = draw(number, self._mode.width, self._mode.height)
        self._drawn_ns[number] = time.monotonic_ns()
        jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
        return f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode() + jpeg + b"\r\n"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self.end_headers()
                while not server._closing.wait(1 / server._mode.fps):
                    server._flowing.wait()
                    try:
                        self.wfile.write(server._part())
                    except OSError:
                        return  # the camera's reader has hung up

            def log_message(self, format: str, *args: object) -> None:
                """Requests are not worth a line on stderr."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    """So that `close` returns when the last connection has ended."""
