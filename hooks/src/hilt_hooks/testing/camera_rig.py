"""The bench of a camera on its emulator."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from attrs import frozen

from hilt_hooks.cameras import Frame
from hilt_hooks.descriptors import CameraDescriptor
from hilt_hooks.testing.bench import DeviceCase, ListeningBench
from hilt_hooks.testing.checks import NotConforming, expect

_GLANCE_S = 0.05


@frozen(kw_only=True)
class CameraRig:
    """What the author of a camera provides: a config whose camera gives frames, on an emulator of its own.

    unplug: take the camera away. replug: bring it back. freeze: stop the frames while the connection stays.
    captured: frame -> when the emulator captured the image in it, in monotonic ns, told by the image alone.
    absent: a config of a camera that is not there, while this one is. A check that needs a handle which is None is not
    exercised.
    """

    config: Any
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    freeze: Callable[[], None] | None = None
    captured: Callable[[Frame], int] | None = None
    absent: Any = None


MakeCameraRig = Callable[[], AbstractContextManager[CameraRig]]


@frozen(kw_only=True)
class CameraCase(DeviceCase[CameraRig, "CameraBench"]):
    descriptor: CameraDescriptor

    def place(self, rig: CameraRig, device: Any) -> "CameraBench":
        return CameraBench(self, rig, device)


@frozen
class CameraBench(ListeningBench[CameraCase, CameraRig]):
    def works(self) -> None:
        self.frame()

    def look(self) -> None:
        try:
            self.device.read(_GLANCE_S)
        except TimeoutError:
            return

    def frames(self) -> Iterator[Frame]:
        """Frame after frame, as a session reads them, for a while."""
        end = time.monotonic() + self.case.patience.settle_s
        while (left := end - time.monotonic()) > 0:
            try:
                found = self.device.read(left)
            except TimeoutError:
                return
            expect(isinstance(found, Frame), f"read gives a {type(found).__name__}, not a Frame")
            yield found

    def frame(self, stream: str | None = None) -> Frame:
        """The next frame, of this stream if one is given."""
        for found in self.frames():
            if stream in (None, found.stream):
                return found
        raise NotConforming(f"no frame{f' of {stream!r}' if stream else ''} came within {self.case.patience.settle_s:g} s")

    @property
    def period_s(self) -> float:
        return 1 / float(self.device.fps)

    @property
    def late_ns(self) -> int:
        """How old the newest frame may be: some periods, and what a busy machine needs to hand it over."""
        return int(1e9 * max(4 * self.period_s, self.case.patience.watch_s / 2))

    def after_a_pause(self) -> tuple[Frame, Frame, int]:
        """A frame; the next of its stream, for a reader that had much to do in between; and when that reader was back."""
        before = self.frame()
        time.sleep(max(20 * self.period_s, 2 * self.case.patience.watch_s))
        back_ns = time.monotonic_ns()
        return before, self.frame(before.stream), back_ns
