"""Inputs in memory that keep every rule: buttons, keys of a terminal, a script."""

import os
import time
from collections.abc import Sequence

from attrs import define, field, frozen

from hilt_hooks import Bindings, ConnectError, DeviceLost, Edge, InputDescriptor, InputEvent, option

BINDINGS: Bindings = {"red": "stop", "white": "pause", "green": {"ready": "start", "paused": "resume"}}


@define
class Box:
    """The buttons themselves. wire: where they send to while somebody is connected. missed: what nobody heard."""

    plugged: bool = True
    wire: int | None = None
    missed: list[bytes] = field(factory=list)

    def open(self) -> int:
        """Returns the end to read from."""
        self.hang_up()
        end, self.wire = os.pipe()
        os.set_blocking(end, False)
        return end

    def hang_up(self) -> None:
        if self.wire is not None:
            os.close(self.wire)
            self.wire = None

    def tap(self, control: str) -> None:
        said = f"{control} {time.monotonic_ns()}\n".encode()
        if self.wire is None:
            self.missed.append(said)
        else:
            os.write(self.wire, said)

    def unplug(self) -> None:
        self.plugged = False
        self.hang_up()

    def replug(self) -> None:
        self.plugged = True


BOXES: dict[str, Box] = {}
"""Address -> what is connected to it."""


@frozen(kw_only=True)
class ButtonsConfig:
    address: str = option(help="Which buttons in memory")


class MemoryInput:
    bindings = BINDINGS
    reports_releases = True

    def __init__(self, config: ButtonsConfig) -> None:
        self.config = config
        self._end: int | None = None

    def connect(self) -> None:
        self.disconnect()
        there = [address for address, box in BOXES.items() if box.plugged]
        if self.config.address not in there:
            raise ConnectError(f"no buttons at {self.config.address}; buttons here: {', '.join(there) or 'none'}")
        self._end = BOXES[self.config.address].open()

    def disconnect(self) -> None:
        if self._end is not None:
            BOXES[self.config.address].hang_up()
            os.close(self._end)
            self._end = None

    def fileno(self) -> int | None:
        return self._end

    def read(self) -> Sequence[InputEvent]:
        return [event for line in self._lines() for event in self._events(*line.split())]

    def _lines(self) -> list[str]:
        if self._end is None:
            raise DeviceLost(f"the buttons at {self.config.address} are not connected")
        try:
            data = os.read(self._end, 65536)
        except BlockingIOError:
            return []
        if not data:
            raise DeviceLost(f"the buttons at {self.config.address} are gone: plug them in again")
        return data.decode().splitlines()

    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return [InputEvent("buttons", control, edge, int(time_ns)) for edge in (Edge.PRESS, Edge.RELEASE)]


class MemoryButtons(MemoryInput):
    """With a lamp."""

    def show_phase(self, phase: str, episode: int) -> None:
        self.shown = phase, episode


class MemoryKeys(MemoryInput):
    """As a terminal: no releases, asked every few milliseconds."""

    reports_releases = False

    def fileno(self) -> int | None:
        return None

    def _events(self, control: str, time_ns: str) -> list[InputEvent]:
        return super()._events(control, time_ns)[:1]


class MemoryScript(MemoryInput):
    def emulated(self, robot: object) -> bool:
        return isinstance(robot, ButtonsConfig)


def buttons(factory: str = "memory_input:MemoryButtons", scripted: bool = False) -> InputDescriptor:
    return InputDescriptor(
        name="memory_buttons",
        summary="Buttons in memory",
        config=ButtonsConfig,
        factory=factory,
        bindings=BINDINGS,
        scripted=scripted,
    )
