"""The bench of an input on its emulator."""

import itertools
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from attrs import field, frozen

from hilt_hooks.descriptors import InputDescriptor
from hilt_hooks.inputs import Edge, InputEvent
from hilt_hooks.testing.bench import DeviceCase, ListeningBench
from hilt_hooks.testing.checks import NotConforming

Moved = tuple[str, Edge]
"""A control and what it did."""


@frozen(kw_only=True)
class InputRig:
    """What the author of an input provides: a config whose input can be pressed, on an emulator of its own.

    tap: press a control and let it go at once, as a person does; returns without waiting for the input. With nobody
    connected, it has no effect. controls: what is tapped, in turn from the first one on; names as in the bindings.
    built: is told of each input that was built, for a rig that works through it (a script that follows the phases).
    unplug: take the input away. replug: bring it back. absent: a config of an input that is not there, while this one
    is. A check that needs a handle which is None is not exercised.
    """

    config: Any
    tap: Callable[[str], None]
    controls: tuple[str, ...]
    built: Callable[[Any], None] | None = None
    unplug: Callable[[], None] | None = None
    replug: Callable[[], None] | None = None
    absent: Any = None


MakeInputRig = Callable[[], AbstractContextManager[InputRig]]


@frozen(kw_only=True)
class InputCase(DeviceCase[InputRig, "InputBench"]):
    descriptor: InputDescriptor

    def place(self, rig: InputRig, device: Any) -> "InputBench":
        return InputBench(self, rig, device)

    def build(self, rig: InputRig) -> Any:
        device = super().build(rig)
        if rig.built is not None:
            rig.built(device)
        return device


@frozen
class InputBench(ListeningBench[InputCase, InputRig]):
    _turn: Iterator[str] = field(init=False)

    @_turn.default
    def _first_turn(self) -> Iterator[str]:
        return itertools.cycle(self.rig.controls)

    def works(self) -> None:
        self.gather(self.tap()[:1])

    def look(self) -> None:
        self.device.read()

    def tap(self) -> list[Moved]:
        """Tap the control whose turn it is. Returns what the input must say of it, the press first."""
        control = next(self._turn)
        self.rig.tap(control)
        edges = (Edge.PRESS, Edge.RELEASE) if self.device.reports_releases else (Edge.PRESS,)
        return [(control, edge) for edge in edges]

    def gather(self, presses: Sequence[Moved]) -> list[InputEvent]:
        """What the input says, until it has told of so many presses."""
        found: list[InputEvent] = []
        for _ in self.until(self.case.patience.settle_s):
            found += self.device.read()
            if sum(pressed(event) for event in found) >= len(presses):
                return found
        raise NotConforming(f"pressed was {told(presses)}, and it says {told(map(moved, found))}")

    def rest(self) -> list[InputEvent]:
        """What it says in the next moments."""
        return [event for _ in self.until(self.case.patience.watch_s) for event in self.device.read()]

    def readable(self, seconds: float) -> bool:
        """Whether `fileno` becomes readable within that time."""
        return bool(select.select([self.device.fileno()], [], [], seconds)[0])


def moved(event: InputEvent) -> Moved:
    return event.control, event.edge


def pressed(event: InputEvent) -> bool:
    return event.edge is not Edge.RELEASE


def told(steps: Iterable[Moved]) -> str:
    """`red+ red-`: red was pressed, and let go."""
    return " ".join(f"{control}{'+' if edge is Edge.PRESS else '-'}" for control, edge in steps) or "nothing"
