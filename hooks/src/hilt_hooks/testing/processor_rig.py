"""The bench of a processor's checks: its configuration, its state, and an episode that flows through it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from pkgutil import resolve_name
from typing import Any

import numpy as np
from attrs import field, fields, frozen
from numpy.typing import NDArray

from hilt_hooks.descriptors import ProcessorDescriptor
from hilt_hooks.processors import Transition
from hilt_hooks.testing.checks import NotExercised, expect

PARTS = tuple(each.name for each in fields(Transition))


@frozen(kw_only=True)
class ProcessorRig:
    """What the author of a processor provides, once for every check.

    config, state: what the factory takes. transitions: the steps of an episode, in order; together they show the processor
    at work: every part that it declares to write is changed in at least one of them. They are copied before each use.
    """

    config: Any
    transitions: Sequence[Transition]
    state: Mapping[str, NDArray[Any]] = field(factory=dict)


MakeProcessorRig = Callable[[], AbstractContextManager[ProcessorRig]]


@frozen(kw_only=True)
class ProcessorCase:
    """One type of processor under test. module: what an entry point of the plugin names."""

    descriptor: ProcessorDescriptor
    make: MakeProcessorRig
    module: str

    @contextmanager
    def bench(self) -> Iterator["ProcessorBench"]:
        with self.make() as rig:
            expect(bool(rig.transitions), "the rig has no transitions")
            yield ProcessorBench(self, rig)

    def build(self, rig: ProcessorRig, state: Mapping[str, NDArray[Any]] | None = None) -> Any:
        return resolve_name(self.descriptor.factory)(rig.config, deepcopy(dict(rig.state if state is None else state)))


@frozen
class ProcessorBench:
    case: ProcessorCase
    rig: ProcessorRig

    def build(self, state: Mapping[str, NDArray[Any]] | None = None) -> Any:
        return self.case.build(self.rig, state)

    def episode(self) -> list[Transition]:
        return deepcopy(list(self.rig.transitions))

    def play(self, processor: Any, episode: Sequence[Transition]) -> list[Transition]:
        """The results as they were when they came. The episode itself is not touched."""
        return [deepcopy(processor(deepcopy(transition))) for transition in episode]

    def fresh(self, episode: Sequence[Transition] | None = None) -> list[Transition]:
        """What a new processor makes of an episode, by default the rig's."""
        return self.play(self.build(), self.episode() if episode is None else episode)

    def expect_repeats(self) -> None:
        """For rules that compare results. Whether it should repeat itself is a rule of its own."""
        if changed(self.fresh(), self.fresh()):
            raise NotExercised("the processor does not repeat itself")


def changed(before: Sequence[Transition], after: Sequence[Transition]) -> list[str]:
    """The parts that differ in some step."""
    return [
        part
        for part in PARTS
        if not all(same(getattr(one, part), getattr(other, part)) for one, other in zip(before, after, strict=True))
    ]


def same(one: Any, other: Any) -> bool:
    """Equal in type, shape and value, all the way down. The order of keys does not count."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


def arrays_of(transition: Transition) -> dict[str, NDArray[Any]]:
    """Observation key, or "action" -> array."""
    found = {f"observation {key!r}": value for key, value in transition.observation.items()}
    found["action"] = transition.action
    return {key: value for key, value in found.items() if isinstance(value, np.ndarray)}
