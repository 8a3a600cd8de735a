"""Inputs with one fault each."""

import os
import select
import time
from collections.abc import Sequence

from attrs import evolve
from memory_input import BINDINGS, BOXES, ButtonsConfig, MemoryButtons, MemoryScript

from hilt_hooks import Bindings, ConnectError, DeviceLost, Edge, InputEvent


class ReadsOneDevice(MemoryButtons):
    def read(self, device: str) -> Sequence[InputEvent]:  # type: ignore[override]
        return super().read()


class LeavesItsPipe(MemoryButtons):
    def connect(self) -> None:
        super().connect()
        self._spare = os.pipe()


class SaysOnlyThatItFailed(MemoryButtons):
    def connect(self) -> None:
        try:
            super().connect()
        except ConnectError:
            raise ConnectError("the buttons do not answer") from None


class OtherBindings(MemoryButtons):
    @property
    def bindings(self) -> Bindings:  # type: ignore[override]
        return {**BINDINGS, "blue": "takeover"}


class BindingsOnlyConnected(MemoryButtons):
    @property
    def bindings(self) -> Bindings:  # type: ignore[override]
        return BINDINGS if self._end else {}


class MeansNothing(MemoryButtons):
    @property
    def bindings(self) -> Bindings:  # type: ignore[override]
        return {**BINDINGS, "white": {}}


class WallClock(MemoryButtons):
    def read(self) -> Sequence[InputEvent]:
        return [evolve(event, time_ns=time.time_ns()) for event in super().read()]


class WordsForEdges(MemoryButtons):
    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return [evolve(event, edge=event.edge.value) for event in super()._events(control, time_ns)]


class Nameless(MemoryButtons):
    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return [evolve(event, device="") for event in super()._events(control, time_ns)]


class CodesForControls(MemoryButtons):
    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return super()._events(f"KEY_{control.upper()}", time_ns)


class NeverReleases(MemoryButtons):
    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return super()._events(control, time_ns)[:1]


class ReleasesUnsaid(MemoryButtons):
    reports_releases = False


class ReleasesFirst(MemoryButtons):
    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return super()._events(control, time_ns)[::-1]


class Repeats(MemoryButtons):
    """Every second reading comes twice."""

    _again: Sequence[InputEvent] = ()
    _count = 0

    def read(self) -> Sequence[InputEvent]:
        if self._again:
            again, self._again = self._again, ()
            return [event for event in again if event.edge is Edge.PRESS]
        events = super().read()
        self._count += bool(events)
        self._again = events if self._count % 2 else ()
        return events


class NewestFirst(MemoryButtons):
    def _lines(self) -> list[str]:
        return super()._lines()[::-1]


class OnlyTheNewest(MemoryButtons):
    def _lines(self) -> list[str]:
        return super()._lines()[-1:]


class WaitsForAnEvent(MemoryButtons):
    def read(self) -> Sequence[InputEvent]:
        select.select([self._end or 0], [], [], 0.02)
        return super().read()


class InventsEvents(MemoryButtons):
    _reads = 0

    def read(self) -> Sequence[InputEvent]:
        self._reads += 1
        invented = self._events("red", str(time.monotonic_ns())) if self._reads == 100 else []
        return [*super().read(), *invented]


class AlwaysReadable(MemoryButtons):
    def connect(self) -> None:
        super().connect()
        self._always = os.open(os.devnull, os.O_RDONLY)

    def disconnect(self) -> None:
        if self._end is not None:
            os.close(self._always)
        super().disconnect()

    def fileno(self) -> int | None:
        return self._always


class NeverReadable(MemoryButtons):
    """As one that is read by a thread of its own: its pipe is empty whenever anybody looks."""

    def connect(self) -> None:
        super().connect()
        self._ends = os.pipe()

    def disconnect(self) -> None:
        if self._end is not None:
            os.close(self._ends[0])
            os.close(self._ends[1])
        super().disconnect()

    def fileno(self) -> int | None:
        return self._ends[0]


class OneEventARead(MemoryButtons):
    """Reads all that is there into a buffer of its own, of which the descriptor knows nothing."""

    def __init__(self, config: ButtonsConfig) -> None:
        super().__init__(config)
        self._buffer: list[InputEvent] = []

    def read(self) -> Sequence[InputEvent]:
        self._buffer += super().read()
        return [self._buffer.pop(0)] if self._buffer else []

    def disconnect(self) -> None:
        super().disconnect()
        self._buffer = []


class HearsThePast(MemoryButtons):
    def connect(self) -> None:
        super().connect()
        box = BOXES[self.config.address]
        os.write(box.wire, b"".join(box.missed))
        box.missed.clear()


class NeverNoticesLoss(MemoryButtons):
    def read(self) -> Sequence[InputEvent]:
        try:
            return super().read()
        except DeviceLost:
            return []


class LossAsOSError(MemoryButtons):
    def read(self) -> Sequence[InputEvent]:
        try:
            return super().read()
        except DeviceLost:
            raise OSError(19, "No such device") from None


class StaysLost(MemoryButtons):
    _gone = False

    def connect(self) -> None:
        if self._gone:
            raise ConnectError(f"the buttons at {self.config.address} are in use")
        super().connect()

    def read(self) -> Sequence[InputEvent]:
        try:
            return super().read()
        except DeviceLost:
            self._gone = True
            raise


class SlowLamp(MemoryButtons):
    def show_phase(self, phase: str, episode: int) -> None:
        time.sleep(0.05)


class LampNeedsDevice(MemoryButtons):
    def show_phase(self, phase: str, episode: int) -> None:
        if not BOXES[self.config.address].plugged:
            raise DeviceLost("the lamp is gone")


class LampWithoutEpisode(MemoryButtons):
    def show_phase(self, phase: str) -> None:  # type: ignore[override]
        self.shown = phase, 0


class TrustsEveryRobot(MemoryScript):
    def emulated(self, robot: object) -> bool:
        return True


class ListsNothing(MemoryButtons):
    def connect(self) -> None:
        if self.config.address not in BOXES:
            raise ConnectError(f"no buttons at {self.config.address}")
        super().connect()
