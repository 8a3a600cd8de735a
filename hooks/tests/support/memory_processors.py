"""A processor that keeps every rule: centres a vector, says how fast it changes, and rewards where it is small."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from hilt_hooks import ConfigError, ProcessorDescriptor, Transition, option

State = Mapping[str, NDArray[Any]]
Array = NDArray[np.float32]

MEAN = {"mean": np.array([1.0, 2.0], np.float32)}


@frozen(kw_only=True)
class CenterConfig:
    key: str = option("observation.state", help="Which vector of the observation")


class Center:
    def __init__(self, config: CenterConfig, state: State) -> None:
        self.key = config.key
        self._tensors = dict(state)
        self._last: Array | None = None

    def __call__(self, transition: Transition) -> Transition:
        if self.key not in transition.observation:
            raise ConfigError(f"the observation has no {self.key}; there are {', '.join(transition.observation) or 'none'}")
        centred = self.centre(transition.observation[self.key])
        rate = centred * 0 if self._last is None else centred - self._last
        self._last = centred.copy()
        observation = {**transition.observation, self.key: centred, f"{self.key}.rate": rate}
        return evolve(transition, observation=observation, reward=self.reward(centred, transition))

    def centre(self, value: Array) -> Array:
        centred: Array = value - self._tensors["mean"]
        return centred

    def reward(self, centred: Array, transition: Transition) -> float:
        return -float(np.abs(centred).sum())

    def reset(self) -> None:
        self._last = None

    def state(self) -> State:
        return self._tensors


def processor(factory: str = "memory_processors:Center") -> ProcessorDescriptor:
    return ProcessorDescriptor(
        name="center_processor",
        summary="Centres a vector",
        config=CenterConfig,
        factory=factory,
        reads=("observation",),
        writes=("observation", "reward"),
    )
