"""The `emulated` camera: a camera of a running bench."""

import time
from pathlib import Path

from hilt.ipc.frames import FrameReader
from hilt_hooks import ConnectError, DeviceLost, Frame, Signal
from hilt_robot_emulated.config import EmulatedCameraConfig
from hilt_robot_emulated.folder import describe, find, frames_path, is_running

_POLL_S = 0.002


class EmulatedCamera:
    """Reads the frames that the bench renders. capture time: of the world that the frame shows."""

    def __init__(self, config: EmulatedCameraConfig) -> None:
        self._config = config
        self._reader: FrameReader | None = None
        self._folder = Path()
        self._seen = -1

    @property
    def streams(self) -> tuple[Signal, ...]:
        return (Signal("", "", (self._config.height, self._config.width, 3), "uint8"),)

    @property
    def fps(self) -> float:
        return self._config.fps

    def connect(self) -> None:
        self.disconnect()
        self._folder = find(self._config.bench)
        self._check(describe(self._folder)["cameras"])
        self._reader = FrameReader(frames_path(self._folder, self._config.name), "")
        newest = self._reader.latest()
        self._seen = -1 if newest is None else newest.sequence

    def _check(self, cameras: dict[str, dict[str, float]]) -> None:
        view = cameras.get(self._config.name)
        if view is None:
            raise ConnectError(f"the bench renders {', '.join(cameras) or 'no camera'}, not {self._config.name!r}")
        wanted = {key: getattr(self._config, key) for key in ("width", "height", "fps")}
        if view != wanted:
            raise ConnectError(f"the bench renders {self._config.name} as {_text(view)}; this camera asks for {_text(wanted)}")

    def disconnect(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def read(self, timeout_s: float) -> Frame:
        if self._reader is None:
            raise DeviceLost(f"camera {self._config.name} is not connected")
        deadline = time.monotonic() + timeout_s
        while True:
            frame = self._reader.latest()
            if frame is not None and frame.sequence > self._seen:
                self._seen = frame.sequence
                return frame
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL_S)
        if not is_running(self._folder):
            raise DeviceLost(f"the bench of camera {self._config.name} is gone")
        raise TimeoutError(f"camera {self._config.name}: no new frame within {timeout_s:g} s")


def _text(view: dict[str, float]) -> str:
    return f"{view['width']}x{view['height']} at {view['fps']:g}"
