"""A policy that keeps every rule: a small linear network that remembers the last observation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from hilt_hooks import ConfigError, Floats, Observation, PolicyDescriptor, PolicySpec, Prediction, option

NAMES = ("base.pos", "elbow.pos", "gripper.pos")
CAMERAS = {"front": (4, 6, 3)}
CHUNK = 4
CAPABILITIES = frozenset({"continue", "score"})


@frozen(kw_only=True)
class NetConfig:
    device: str = option("cpu", help="Where the network runs")
    threads: int = option(1, help="CPU threads", minimum=1)


def write_checkpoint(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"names": names, "size": len(NAMES), "cameras": CAMERAS}))
    np.save(folder / "weights.npy", np.random.default_rng(3).normal(size=(CHUNK * len(NAMES), 2 * len(NAMES) + 1)))
    return folder


class MemoryPolicy:
    def __init__(self, config: NetConfig, path: Path) -> None:
        self.path = path
        self._known = self._read_config()
        self._weights: Floats | None = None
        self._last: Floats | None = None

    def _read_config(self) -> Mapping[str, Any]:
        try:
            known: Mapping[str, Any] = json.loads((self.path / "config.json").read_text())
        except FileNotFoundError:
            raise ConfigError(f"{self.path}: there is no checkpoint") from None
        return known

    @property
    def spec(self) -> PolicySpec:
        names = tuple(self._known["names"])
        images = {name: tuple(shape) for name, shape in self._known["cameras"].items()}
        return PolicySpec(state=names, actions=names, state_size=3, action_size=3, images=images, chunk=CHUNK, use=2, fps=30.0)

    def load(self) -> None:
        self._weights = self.read_weights()

    def read_weights(self) -> Floats:
        path = self.path / "weights.npy"
        try:
            weights: Floats = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from error
        return weights

    def reset(self) -> None:
        self._last = None

    def predict(self, observation: Observation) -> Prediction:
        if self._weights is None:
            raise RuntimeError("load() must be called before a prediction")
        model = self.think(self._weights, self.state_of(observation), self.image_of(observation))
        return Prediction(self.spec.actions, model * 30, model)

    def state_of(self, observation: Observation) -> Floats:
        if not self.spec.state and observation.state.values.size != self.spec.state_size:
            raise ConfigError(f"the state has {self.spec.state_size} channels, not {observation.state.values.size}")
        return observation.state.in_order(self.spec.state) if self.spec.state else observation.state.values

    def image_of(self, observation: Observation) -> float:
        if "front" not in observation.images:
            raise ConfigError("the policy needs the camera 'front'")
        return float(observation.images["front"].mean())

    def think(self, weights: Floats, state: Floats, brightness: float) -> Floats:
        before = state if self._last is None else self._last
        self._last = state.copy()
        return np.tanh(weights @ np.concatenate([state, before, [brightness]]) / 100).reshape(CHUNK, -1)

    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        free = self.predict(observation)
        model = free.model.copy()
        if remainder is not None:
            model[:delay] = remainder[:delay]
        return Prediction(free.names, model * 30, model)

    def score(self, observation: Observation) -> float:
        return self.image_of(observation) / 255


def policy(factory: str = "memory_policies:MemoryPolicy", capabilities: frozenset[str] = CAPABILITIES) -> PolicyDescriptor:
    return PolicyDescriptor(
        name="memory", summary="A policy in memory", config=NetConfig, factory=factory, capabilities=capabilities
    )
