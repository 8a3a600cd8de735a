"""Cameras: streams of frames, each with its own capture time."""

from typing import Any, Protocol, runtime_checkable

from attrs import frozen
from numpy.typing import NDArray

from hilt_hooks.devices import Device
from hilt_hooks.signals import Signal


@frozen(eq=False)
class Frame:
    """One image. rgb: (h, w, 3) uint8. depth: (h, w, 1) uint16 in mm. C-contiguous, in memory that nothing writes to any more.

    time_ns: when it was captured, monotonic. sequence: counts up by one a captured frame; a gap is a lost frame.
    """

    stream: str
    image: NDArray[Any]
    time_ns: int
    sequence: int


@runtime_checkable
class Camera(Device, Protocol):
    @property
    def streams(self) -> tuple[Signal, ...]:
        """Shapes and dtypes, known before connect. A camera with one stream names it ""."""

    @property
    def fps(self) -> float: ...

    def read(self, timeout_s: float) -> Frame:
        """Wait for the next new frame of any stream. Called in a loop by one thread that this camera has to itself.

        A reader that was slow gets the newest frame, not those that it missed; after connect, none from before it.
        Raises TimeoutError when none came in time and DeviceLost when the camera is gone; the caller then disconnects
        and connects again until it is back.
        """
