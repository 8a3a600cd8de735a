"""Policies with one fault each. The table in the test says which check must find it."""

import contextlib
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType

import numpy as np
from attrs import evolve
from memory_policies import CHUNK, NAMES, MemoryPolicy, NetConfig

from hilt_hooks import ConfigError, Floats, Observation, PolicySpec, Prediction, Vector


class OtherArgument(MemoryPolicy):
    def predict(self, batch: Observation) -> Prediction:  # type: ignore[override]
        return super().predict(batch)


class CanUpdate(MemoryPolicy):
    def update(self, version: int, weights: dict[str, Floats]) -> None:
        self._weights = weights["weights"]


class CachesInInit(MemoryPolicy):
    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        tempfile.TemporaryFile().close()


class ReadsOtherPlace(MemoryPolicy):
    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        os.listdir(Path.home())


class ThreadInInit(MemoryPolicy):
    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        threading.Thread(target=time.sleep, args=(2,), name="prefetch", daemon=True).start()


class WeightsInInit(MemoryPolicy):
    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        self.read_weights()


class ImportsInInit(MemoryPolicy):
    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        sys.modules["torch"] = ModuleType("torch")  # stands for the real import, which takes seconds


class NamesAfterLoad(MemoryPolicy):
    @property
    def spec(self) -> PolicySpec:
        return super().spec if self._weights is not None else evolve(super().spec, fps=None)


class UsesMoreThanItHas(MemoryPolicy):
    @property
    def spec(self) -> PolicySpec:
        return evolve(super().spec, use=CHUNK + 1)


class OtherSize(MemoryPolicy):
    @property
    def spec(self) -> PolicySpec:
        return evolve(super().spec, state_size=6)


class ChannelsFirst(MemoryPolicy):
    @property
    def spec(self) -> PolicySpec:
        return evolve(super().spec, images={"front": (3, 4, 6)})


class LoadWritesBeside(MemoryPolicy):
    def load(self) -> None:
        super().load()
        np.save(self.path / "compiled.npy", np.zeros(3))


class LoadWritesElsewhere(MemoryPolicy):
    def load(self) -> None:
        super().load()
        tempfile.TemporaryFile().close()


class LooksForNewerWeights(MemoryPolicy):
    def load(self) -> None:
        super().load()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=0.2).close()


class ReadsAgain(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        if self._weights is not None:
            self._weights = self.read_weights()
        return super().predict(observation)


class BareError(MemoryPolicy):
    def read_weights(self) -> Floats:
        weights: Floats = np.load(self.path / "weights.npy")
        return weights


class ErrorWithoutPlace(MemoryPolicy):
    def read_weights(self) -> Floats:
        try:
            return super().read_weights()
        except ConfigError:
            raise ConfigError("the weights cannot be read") from None


class StartsWithoutWeights(MemoryPolicy):
    def read_weights(self) -> Floats:
        if not (self.path / "weights.npy").exists():
            return np.zeros((CHUNK * len(NAMES), 2 * len(NAMES) + 1))
        return super().read_weights()


class TypeErrorUnloaded(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        model = self.think(self._weights, self.state_of(observation), self.image_of(observation))  # type: ignore[arg-type]
        return Prediction(self.spec.actions, model * 30, model)


class ZerosUnloaded(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        if self._weights is None:
            return Prediction(NAMES, np.zeros((CHUNK, 3)), np.zeros((CHUNK, 3)))
        return super().predict(observation)


class SinglePrecision(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        return Prediction(whole.names, whole.actions.astype(np.float32), whole.model)  # type: ignore[arg-type]


class BatchDimension(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        return Prediction(whole.names, whole.actions[None], whole.model)


class ShorterChunk(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        return Prediction(whole.names, whole.actions[:-1], whole.model)


class OneActionIsNaN(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        whole.actions[-1, -1] = np.nan
        return whole


class OtherActions(MemoryPolicy):
    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        return Prediction(("x", "y", "z"), whole.actions, whole.model)

    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        return evolve(super().continue_chunk(observation, remainder, delay), names=NAMES)


class Samples(MemoryPolicy):
    def think(self, weights: Floats, state: Floats, brightness: float) -> Floats:
        # As a network that starts from noise, with the global generator that its author can seed.
        noise = np.random.normal(size=(CHUNK, 1))
        return super().think(weights, state, brightness) + noise


class ResetForgetsNothing(MemoryPolicy):
    def reset(self) -> None:
        pass


class ByPosition(MemoryPolicy):
    def state_of(self, observation: Observation) -> Floats:
        super().state_of(observation)
        return observation.state.values


class FillsMissing(MemoryPolicy):
    def state_of(self, observation: Observation) -> Floats:
        given = observation.state.as_dict()
        return np.array([given.get(name, 0.0) for name in self.spec.state])


class KeyErrorForState(MemoryPolicy):
    def state_of(self, observation: Observation) -> Floats:
        given = observation.state.as_dict()
        return np.array([given[name] for name in self.spec.state])


class BlackForMissing(MemoryPolicy):
    def image_of(self, observation: Observation) -> float:
        return super().image_of(observation) if "front" in observation.images else 0.0


class NormalizesInPlace(MemoryPolicy):
    def state_of(self, observation: Observation) -> Floats:
        values = observation.state.values
        values -= values.mean()
        return super().state_of(evolve(observation, state=Vector(observation.state.names, values)))


class DrawsOnImage(MemoryPolicy):
    def image_of(self, observation: Observation) -> float:
        brightness = super().image_of(observation)
        observation.images["front"][0] = 255
        return brightness


class OneBuffer(MemoryPolicy):
    """As a network whose output is captured once and filled again with each run."""

    def __init__(self, config: NetConfig, path: Path) -> None:
        super().__init__(config, path)
        self._actions, self._model = np.zeros((CHUNK, 3)), np.zeros((CHUNK, 3))

    def predict(self, observation: Observation) -> Prediction:
        whole = super().predict(observation)
        self._actions[:], self._model[:] = whole.actions, whole.model
        return Prediction(whole.names, self._actions, self._model)


class GivesItsMemoryAway(MemoryPolicy):
    """As an ensemble that returns the mean which it goes on with."""

    _mean: Floats | None = None

    def reset(self) -> None:
        super().reset()
        self._mean = None

    def think(self, weights: Floats, state: Floats, brightness: float) -> Floats:
        fresh = super().think(weights, state, brightness)
        self._mean = fresh if self._mean is None else (self._mean + fresh) / 2
        return self._mean


class IgnoresRemainder(MemoryPolicy):
    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        return self.predict(observation)


class ShiftsRemainder(MemoryPolicy):
    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        done = super().continue_chunk(observation, remainder, delay)
        if remainder is not None:
            remainder[:-1] = remainder[1:]
        return done


class NeedsRemainder(MemoryPolicy):
    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        if remainder is None:
            return Prediction(self.spec.actions, np.empty((0, 3)), np.empty((0, 3)))
        return super().continue_chunk(observation, remainder, delay)


class ScoresInPercent(MemoryPolicy):
    def score(self, observation: Observation) -> float:
        return 100 * super().score(observation)


class ScoresAsArray(MemoryPolicy):
    def score(self, observation: Observation) -> float:
        return np.array([super().score(observation)])  # type: ignore[return-value]
