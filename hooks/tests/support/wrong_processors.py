"""Processors with one fault each. The table in the test says which check must find it."""

import os

import numpy as np
from attrs import evolve
from memory_processors import Array, Center, CenterConfig, State

from hilt_hooks import Transition


class OpensInInit(Center):
    def __init__(self, config: CenterConfig, state: State) -> None:
        super().__init__(config, state)
        os.listdir(".")


class NoReset(Center):
    reset = property(lambda self: super().reset)  # type: ignore[assignment]


class GivesDict(Center):
    def __call__(self, transition: Transition) -> Transition:
        return {"observation": super().__call__(transition).observation}  # type: ignore[return-value]


class RewardAsArray(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        return -np.abs(centred).sum(keepdims=True)  # type: ignore[no-any-return]


class RewardInSinglePrecision(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        return -np.abs(centred).sum()  # type: ignore[no-any-return]


class Terminates(Center):
    def __call__(self, transition: Transition) -> Transition:
        done = super().__call__(transition)
        return evolve(done, terminated=(done.reward or 0.0) < -1.5)


class CastsAction(Center):
    def __call__(self, transition: Transition) -> Transition:
        done = super().__call__(transition)
        return done if done.action is None else evolve(done, action=done.action.astype(np.float16))


class KeepsReward(Center):
    def __call__(self, transition: Transition) -> Transition:
        return evolve(super().__call__(transition), reward=transition.reward)


class PaysForAction(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        effort = 0.0 if transition.action is None else float(np.abs(transition.action).sum())
        return super().reward(centred, transition) - effort


class NeedsTask(Center):
    def __call__(self, transition: Transition) -> Transition:
        if transition.observation and not transition.info["task"]:
            raise ValueError("no task")
        return super().__call__(transition)


class RewardsFailureLess(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        return super().reward(centred, transition) - 10 * transition.truncated


class OnlyOwnKeys(Center):
    def __call__(self, transition: Transition) -> Transition:
        done = super().__call__(transition)
        own = {key: value for key, value in done.observation.items() if key.startswith("observation.")}
        return evolve(done, observation=own)


class TouchesUnknown(Center):
    def __call__(self, transition: Transition) -> Transition:
        done = super().__call__(transition)
        return evolve(done, observation={key: np.atleast_2d(value) for key, value in done.observation.items()})


class CentersInPlace(Center):
    def centre(self, value: Array) -> Array:
        value -= self._tensors["mean"]
        return value


class WritesIntoMapping(Center):
    def __call__(self, transition: Transition) -> Transition:
        done = super().__call__(transition)
        transition.observation["seen"] = np.ones(1)  # type: ignore[index]
        return done


class OneBuffer(Center):
    _buffer: Array | None = None

    def centre(self, value: Array) -> Array:
        if self._buffer is None:
            self._buffer = np.empty_like(value)
        np.subtract(value, self._tensors["mean"], out=self._buffer)
        return self._buffer


class AddsNoise(Center):
    def centre(self, value: Array) -> Array:
        return super().centre(value) + np.random.default_rng().normal(size=2).astype(np.float32)


class ResetForgetsNothing(Center):
    def reset(self) -> None:
        pass


class FirstOfAll(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        return float(next(iter(transition.observation.values())).mean())


class KeyErrorForMissing(Center):
    def __call__(self, transition: Transition) -> Transition:
        _ = transition.observation[self.key]
        return super().__call__(transition)


class DoublePrecision(Center):
    def centre(self, value: Array) -> Array:
        return value - self._tensors["mean"].astype(np.float64)  # type: ignore[return-value]


class DividesByRange(Center):
    def reward(self, centred: Array, transition: Transition) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(super().reward(centred, transition) / np.ptp(self._tensors["mean"][:1]))


class LosesState(Center):
    state = None  # type: ignore[assignment]


class ChangesState(Center):
    def state(self) -> State:
        return {key: value + 1 for key, value in super().state().items()}


class HalfTheState(Center):
    """Its reward is not computed from what it saves."""

    def __init__(self, config: CenterConfig, state: State) -> None:
        super().__init__(config, state)
        self._weight = float(state["weight"][0]) if "weight" in state else 2.0
        self._tensors.setdefault("weight", np.ones(1, np.float32))

    def reward(self, centred: Array, transition: Transition) -> float:
        return self._weight * super().reward(centred, transition)
