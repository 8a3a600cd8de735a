"""Processors: one step of a pipeline before or after a policy, in front of a learner, or around a robot."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen
from numpy.typing import NDArray


@frozen(eq=False)
class Transition:
    """What flows through a pipeline. Parts that a pipeline does not use are None or empty."""

    observation: Mapping[str, Any] = field(factory=dict)
    action: NDArray[Any] | None = None
    reward: float | None = None
    terminated: bool = False
    truncated: bool = False
    info: Mapping[str, Any] = field(factory=dict)


@runtime_checkable
class Processor(Protocol):
    def __call__(self, transition: Transition) -> Transition: ...

    def reset(self) -> None: ...


@runtime_checkable
class HasState(Protocol):
    """A processor whose checkpoint has a tensor file (statistics, for instance)."""

    def state(self) -> Mapping[str, NDArray[Any]]: ...
