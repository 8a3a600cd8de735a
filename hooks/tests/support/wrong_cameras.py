"""Cameras with one fault each."""

import itertools
import signal
import threading
import time

import numpy as np
from attrs import evolve
from memory_camera import FPS, PERIOD_NS, SENSORS, STREAMS, CameraConfig, MemoryCamera

from hilt_hooks import ConnectError, DeviceLost, Frame, Signal


class ReadWithoutTimeout(MemoryCamera):
    def read(self) -> Frame:  # type: ignore[override]
        return super().read(1.0)


class SaysOnlyThatItFailed(MemoryCamera):
    def connect(self) -> None:
        try:
            super().connect()
        except ConnectError:
            raise ConnectError("cannot open the camera") from None


class LeavesItsThread(MemoryCamera):
    def connect(self) -> None:
        super().connect()
        threading.Thread(target=time.sleep, args=(1,), name="grabber", daemon=True).start()


class StreamsOnlyConnected(MemoryCamera):
    @property
    def streams(self) -> tuple[Signal, ...]:  # type: ignore[override]
        return STREAMS if self._sensor else ()


class NoStreams(MemoryCamera):
    streams = ()


class SameStreamTwice(MemoryCamera):
    streams = (STREAMS[0], STREAMS[0])


class SizeOnlyConnected(MemoryCamera):
    @property
    def streams(self) -> tuple[Signal, ...]:  # type: ignore[override]
        return STREAMS if self._sensor else (evolve(STREAMS[0], shape=(480, 640, 3)), STREAMS[1])


class NamesItsOnlyStream(MemoryCamera):
    streams = (Signal("rgb", "", (4, 6, 3), "uint8"),)


class FloatingDepth(MemoryCamera):
    streams = (STREAMS[0], Signal("depth", "m", (4, 6, 1), "float32"))


class RateOfTheDriver(MemoryCamera):
    @property
    def fps(self) -> float:  # type: ignore[override]
        return FPS if self._sensor else 0.0


class RateOnlyConnected(MemoryCamera):
    @property
    def fps(self) -> float:  # type: ignore[override]
        return FPS if self._sensor else 30.0


class ImagesAsLists(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, image=frame.image.tolist())


class FloatingImages(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, image=frame.image.astype(np.float32))


class OtherSize(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, image=np.pad(frame.image, ((0, 2), (0, 0), (0, 0))))


class NotContiguous(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, image=np.flip(np.ascontiguousarray(np.flip(frame.image, 1)), 1))


class NoDepth(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        while (frame := super().read(timeout_s)).stream:
            continue
        return frame


class OtherStream(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), stream=stream.name or "rgb")


class SecondsForNanoseconds(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, time_ns=float(frame.time_ns))


class CoarseTimes(MemoryCamera):
    """As of a clock that ticks every 10 ms."""

    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, time_ns=frame.time_ns // 10_000_000 * 10_000_000)


class CountsInCircles(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), sequence=number % 4)


class WallClock(MemoryCamera):
    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, time_ns=frame.time_ns + time.time_ns() - time.monotonic_ns())


class SinceConnect(MemoryCamera):
    """As the presentation times of a video are."""

    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), time_ns=(number + 1) * PERIOD_NS)


class Backlog(MemoryCamera):
    """A buffer in which nothing is thrown away."""

    def _choose(self) -> int:
        return min(self._seen + 1, super()._choose())


class BacklogStampedWhenRead(Backlog):
    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), time_ns=time.monotonic_ns())


class CountsReads(MemoryCamera):
    def __init__(self, config: CameraConfig) -> None:
        super().__init__(config)
        self._reads = itertools.count()

    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), sequence=next(self._reads))


class OnItsWayForLong(MemoryCamera):
    """The image took 0.2 s over the network, and is stamped when it arrives."""

    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        return evolve(frame, image=self.sensor.image(max(0, number - 80), stream))


class OneBuffer(MemoryCamera):
    def __init__(self, config: CameraConfig) -> None:
        super().__init__(config)
        self._buffers = {stream.name: np.zeros(stream.shape, stream.dtype) for stream in STREAMS}

    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        np.copyto(self._buffers[stream.name], frame.image)
        return evolve(frame, image=self._buffers[stream.name])


class SameImage(MemoryCamera):
    """Nothing moves in front of it, and it gives what it gave before."""

    _image = np.zeros((4, 6, 3), np.uint8)

    def _frame(self, number: int, stream: Signal) -> Frame:
        return evolve(super()._frame(number, stream), image=self._image)


class ClearsOnDisconnect(MemoryCamera):
    def __init__(self, config: CameraConfig) -> None:
        super().__init__(config)
        self._given: list[np.ndarray] = []

    def _frame(self, number: int, stream: Signal) -> Frame:
        frame = super()._frame(number, stream)
        self._given.append(frame.image)
        return frame

    def disconnect(self) -> None:
        super().disconnect()
        for image in self._given:
            image.fill(0)


class WaitsForAFrame(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        return super().read(max(timeout_s, 0.05))


class HangsInSilence(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        return super().read(0.6 if self.sensor.frozen_ns else timeout_s)


class SilenceIsLoss(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        try:
            return super().read(timeout_s)
        except TimeoutError as error:
            if self.sensor.frozen_ns:
                raise DeviceLost("no frames") from error
            raise


class LastFrameForEver(MemoryCamera):
    """Gives what it saw last when nothing comes."""

    def read(self, timeout_s: float) -> Frame:
        try:
            return super().read(timeout_s)
        except TimeoutError:
            if not self.sensor.frozen_ns:
                raise
            return self._frame(self._seen, STREAMS[0])


class NeverNoticesLoss(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        try:
            return super().read(timeout_s)
        except DeviceLost:
            raise TimeoutError("no frame") from None


class LossAsOSError(MemoryCamera):
    def read(self, timeout_s: float) -> Frame:
        try:
            return super().read(timeout_s)
        except DeviceLost:
            raise OSError(19, "No such device") from None


class OldFrameFirst(MemoryCamera):
    def __init__(self, config: CameraConfig) -> None:
        super().__init__(config)
        self._kept: list[Frame] = []

    def disconnect(self) -> None:
        if self._sensor is not None and self._sensor.plugged and self._seen >= 0:
            self._kept = [self._frame(self._seen, STREAMS[0])]
        super().disconnect()

    def read(self, timeout_s: float) -> Frame:
        return self._kept.pop() if self._kept else super().read(timeout_s)


class StaysLost(MemoryCamera):
    _gone = False

    def connect(self) -> None:
        if self._gone:
            raise ConnectError(f"camera {self.config.address} is in use")
        super().connect()

    def read(self, timeout_s: float) -> Frame:
        try:
            return super().read(timeout_s)
        except DeviceLost:
            self._gone = True
            raise


class ForTheMainThread(MemoryCamera):
    def connect(self) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        super().connect()


class HangsInAThread(MemoryCamera):
    def connect(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            time.sleep(2)
        super().connect()


class ListsNothing(MemoryCamera):
    def connect(self) -> None:
        if self.config.address not in SENSORS:
            raise ConnectError(f"no camera at {self.config.address}")
        super().connect()
