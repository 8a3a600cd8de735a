"""One camera: reads it for as long as the session lasts, and brings it back when it was lost."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from attrs import define, field

from hilt.ipc.frames import FrameWriter
from hilt.ipc.messages import StatusState
from hilt_hooks import Camera, HiltError

SILENT_S = 1.0
"""A camera that gives no frame for so long, or for three periods if that is longer, is lost."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0


class Tell(Protocol):
    def __call__(self, state: StatusState, *, device: str, detail: str = "") -> None: ...


def reason(error: Exception) -> str:
    """What a camera says; what no contract foresees is named with its type."""
    return str(error) if isinstance(error, HiltError | TimeoutError) else f"{type(error).__name__}: {error}"


@define
class Follower:
    """writers: stream -> ring. tell: says `ready` or `failed` once; then `lost` and `back`, each when it happens."""

    name: str
    camera: Camera
    writers: Mapping[str, FrameWriter]
    tell: Tell
    stopping: threading.Event
    _lost: bool = field(default=False, init=False)
    _pause_s: float = field(default=_FIRST_PAUSE_S, init=False)

    def run(self) -> None:
        """Until `stopping` is set. What no contract foresees is a loss, too: nobody else would bring the camera back."""
        self._start()
        while not self.stopping.is_set():
            self._step()
        self._disconnect()

    def _start(self) -> None:
        """A camera that fails is tried again: whether a session does without it until then is not for this to say."""
        try:
            self.camera.connect()
            self._pass_on()
        except Exception as error:
            self.tell(StatusState.FAILED, device=self.name, detail=reason(error))
            self._leave()
        else:
            self.tell(StatusState.READY, device=self.name)

    def _step(self) -> None:
        try:
            if self._lost:
                self.camera.connect()
            self._pass_on()
        except Exception as error:
            self._lose(reason(error))
        else:
            self._find()

    def _pass_on(self) -> None:
        frame = self.camera.read(max(SILENT_S, 3 / self.camera.fps))
        self.writers[frame.stream].write(frame)

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self.tell(StatusState.LOST, device=self.name, detail=reason)
        self._leave()

    def _leave(self) -> None:
        self._lost = True
        self._disconnect()
        self.stopping.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _find(self) -> None:
        if self._lost:
            self.tell(StatusState.BACK, device=self.name)
        self._lost, self._pause_s = False, _FIRST_PAUSE_S

    def _disconnect(self) -> None:
        with suppress(Exception):  # of a broken driver: connecting, or reading, says what it lacks
            self.camera.disconnect()
