"""A camera in memory that keeps every rule: what it sees follows from the time alone."""

import time
from collections.abc import Callable

import numpy as np
from attrs import define, field, frozen

from hilt_hooks import CameraDescriptor, ConnectError, DeviceLost, Frame, Signal, option

FPS = 400.0
PERIOD_NS = int(1e9 / FPS)
STREAMS = (Signal("", "", (4, 6, 3), "uint8"), Signal("depth", "mm", (4, 6, 1), "uint16"))
NUMBERS = 60_000
"""As many images can be told from each other: two minutes."""


@define
class Sensor:
    """The camera itself. Image `number` was captured at `time_ns(number)`, and shows its number."""

    start_ns: int = field(factory=time.monotonic_ns)
    frozen_ns: int | None = None
    plugged: bool = True

    @property
    def newest(self) -> int:
        return ((self.frozen_ns or time.monotonic_ns()) - self.start_ns) // PERIOD_NS

    def time_ns(self, number: int) -> int:
        return self.start_ns + number * PERIOD_NS

    def image(self, number: int, stream: Signal) -> np.ndarray:
        image = np.zeros(stream.shape, stream.dtype)
        image.flat[:2] = divmod(number % NUMBERS, 256)
        return image

    def captured(self, frame: Frame) -> int:
        high, low = frame.image.flat[:2].tolist()
        return self.time_ns(256 * high + low)

    def unplug(self) -> None:
        self.plugged = False

    def replug(self) -> None:
        self.plugged = True

    def freeze(self) -> None:
        self.frozen_ns = time.monotonic_ns()


SENSORS: dict[str, Sensor] = {}
"""Address -> what is connected to it."""


@frozen(kw_only=True)
class CameraConfig:
    address: str = option(help="Which camera in memory")


class MemoryCamera:
    """Gives each image of the sensor as two frames, one a stream."""

    streams = STREAMS
    fps = FPS

    def __init__(self, config: CameraConfig) -> None:
        self.config = config
        self._sensor: Sensor | None = None
        self._seen = -1
        self._due: list[Signal] = []

    @property
    def sensor(self) -> Sensor:
        if self._sensor is None or not self._sensor.plugged:
            raise DeviceLost(f"camera {self.config.address} is gone: plug it in again")
        return self._sensor

    def connect(self) -> None:
        there = [address for address, sensor in SENSORS.items() if sensor.plugged]
        if self.config.address not in there:
            raise ConnectError(f"no camera at {self.config.address}; cameras here: {', '.join(there) or 'none'}")
        self._sensor = SENSORS[self.config.address]
        self._seen, self._due = self._sensor.newest, []

    def disconnect(self) -> None:
        self._sensor = None

    def read(self, timeout_s: float) -> Frame:
        self._wait(lambda: self._choose() > self._seen, timeout_s)
        number = self._choose()
        if number > self._seen:
            self._seen, self._due = number, list(self.streams)
        return self._frame(self._seen, self._due.pop(0))

    def _choose(self) -> int:
        """The number of the image to give next, if it is a new one."""
        return self.sensor.newest

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not (condition() or self._due):
            if time.monotonic() > end:
                raise TimeoutError(f"camera {self.config.address}: no frame for {timeout_s:g} s")
            time.sleep(0.0005)

    def _frame(self, number: int, stream: Signal) -> Frame:
        return Frame(stream.name, self.sensor.image(number, stream), self.sensor.time_ns(number), number)


def camera(factory: str = "memory_camera:MemoryCamera") -> CameraDescriptor:
    return CameraDescriptor(name="memory_camera", summary="A camera in memory", config=CameraConfig, factory=factory)
