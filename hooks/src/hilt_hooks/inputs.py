"""What an operator presses: keyboards, pedals, buttons. They say which control moved; the session knows what it means."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol, runtime_checkable

from attrs import frozen

from hilt_hooks.devices import Device


class Edge(Enum):
    PRESS = "press"
    RELEASE = "release"


@frozen
class InputEvent:
    """One control that moved. `control` is the device's own name for it: `space`, `KEY_A`, `button_3`."""

    device: str
    control: str
    edge: Edge
    time_ns: int


Bindings = Mapping[str, str | Mapping[str, str]]
"""control -> session event, or control -> {phase: session event} for a device with few buttons."""


@runtime_checkable
class Input(Device, Protocol):
    @property
    def bindings(self) -> Bindings: ...

    @property
    def reports_releases(self) -> bool:
        """False where a held control looks like repeated presses (a terminal)."""

    def fileno(self) -> int | None:
        """A descriptor that becomes readable when an event waits; None: ask every few milliseconds."""

    def read(self) -> Sequence[InputEvent]:
        """All events since the last call. Never blocks. Raises DeviceLost when the device is gone.

        What was pressed before connect is no event: a `start` from before the session must not move an arm.
        """


@runtime_checkable
class ShowsPhase(Protocol):
    """An input with a lamp, a screen or ears: it is told about the session's phases."""

    def show_phase(self, phase: str, episode: int) -> None:
        """Never blocks, and never raises: that a device is gone is for `read` to say."""


@runtime_checkable
class Rehearses(Protocol):
    """A scripted input. It may stand in for a person only where nothing real can move."""

    def emulated(self, robot: object) -> bool:
        """Whether the robot with this configuration is an emulated one."""
