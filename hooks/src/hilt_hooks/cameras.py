"""Cameras: streams of frames, each with its own capture time."""

from collections.abc import Mapping, Sequence
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


@frozen
class FoundCamera:
    """A camera that is there. config: the fields that a configuration of it needs; {} where it cannot be used.

    identity: what tells it from others, in words. modes: the formats, sizes and rates that it has, a line each.
    problem: why it cannot be used.
    """

    config: Mapping[str, Any]
    identity: str
    modes: Sequence[str] = ()
    problem: str = ""


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
