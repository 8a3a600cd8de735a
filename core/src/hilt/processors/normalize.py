"""Normalisation with the statistics of a dataset, in float32 as LeRobot does it.

MEAN_STD    (x - mean) / (std + eps)              back: x std + mean
MIN_MAX     2 (x - min) / (max - min) - 1         back: (x + 1) / 2 (max - min) + min; a range of 0 counts as eps
QUANTILES   as MIN_MAX with q01 and q99
QUANTILE10  as MIN_MAX with q10 and q90
IDENTITY    x
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from hilt.processors.features import ACTION, Feature
from hilt.processors.steps import State
from hilt_hooks import ConfigError, Transition, option

Array = NDArray[np.float32]
Statistics = Mapping[str, Array]

_RANGES = {"MIN_MAX": ("min", "max"), "QUANTILES": ("q01", "q99"), "QUANTILE10": ("q10", "q90")}
MODES = ("MEAN_STD", *_RANGES, "IDENTITY")


@frozen(kw_only=True)
class NormalizerConfig:
    eps: float = option(1e-8, help="Added to a standard deviation; stands in for an empty range")
    features: Mapping[str, Feature] = option({}, help="What may be normalised: name -> type and shape")
    norm_map: Mapping[str, str] = option({}, help="Feature type -> mode; a type that is not listed stays as it is")


def normalize(x: Array, mode: str, statistics: Statistics, eps: float) -> Array:
    """Raises KeyError with the name of a statistic that the mode needs and that is not there."""
    if mode == "IDENTITY":
        return x
    if mode == "MEAN_STD":
        return (x - statistics["mean"]) / (statistics["std"] + np.float32(eps))
    low, extent = _range(mode, statistics, eps)
    return np.float32(2) * (x - low) / extent - np.float32(1)


def unnormalize(x: Array, mode: str, statistics: Statistics, eps: float) -> Array:
    """The way back. Raises KeyError as `normalize` does."""
    if mode == "IDENTITY":
        return x
    if mode == "MEAN_STD":
        return x * statistics["std"] + statistics["mean"]
    low, extent = _range(mode, statistics, eps)
    return (x + np.float32(1)) / np.float32(2) * extent + low


def _range(mode: str, statistics: Statistics, eps: float) -> tuple[Array, Array]:
    low_name, high_name = _RANGES[mode]
    low = statistics[low_name]
    extent = statistics[high_name] - low
    return low, np.where(extent == 0, np.float32(eps), extent)


class _Scaling:
    """What both directions share: which mode and which statistics belong to which feature."""

    _scale: Callable[[Array, str, Statistics, float], Array]

    def __init__(self, config: NormalizerConfig, state: State) -> None:
        unknown = sorted(set(config.norm_map.values()) - set(MODES))
        if unknown:
            raise ConfigError(f"norm_map: {', '.join(unknown)} is no normalisation mode; choose from {', '.join(MODES)}")
        self._eps = config.eps
        self._modes = {name: config.norm_map.get(feature.type, "IDENTITY") for name, feature in config.features.items()}
        self._tensors = dict(state)
        self._statistics = _by_feature(state)

    def __call__(self, transition: Transition) -> Transition:
        observation = {name: self._apply(name, value) for name, value in transition.observation.items()}
        action = None if transition.action is None else self._apply(ACTION, transition.action)
        return evolve(transition, observation=observation, action=action)

    def reset(self) -> None:
        pass

    def state(self) -> State:
        return self._tensors

    def _apply(self, name: str, value: Any) -> Any:
        statistics = self._statistics.get(name)
        mode = self._modes.get(name, "IDENTITY")
        if statistics is None or mode == "IDENTITY":
            return value
        try:
            return self._scale(np.asarray(value, dtype=np.float32), mode, statistics, self._eps)
        except KeyError as missing:
            raise ConfigError(
                f"{name}: {mode} needs the statistic {missing}, but the checkpoint has only {', '.join(sorted(statistics))}"
            ) from None


class Normalizer(_Scaling):
    """Observations and action, from the robot's units to those of the network. Features without statistics pass through."""

    _scale = staticmethod(normalize)


class Unnormalizer(_Scaling):
    """The action (and observations, if there are any) from the network's units back to those of the robot."""

    _scale = staticmethod(unnormalize)


def _by_feature(tensors: State) -> dict[str, dict[str, Array]]:
    """Tensors named `<feature>.<statistic>`, grouped by feature."""
    grouped: dict[str, dict[str, Array]] = {}
    for key, tensor in tensors.items():
        feature, _, statistic = key.rpartition(".")
        grouped.setdefault(feature, {})[statistic] = np.asarray(tensor, dtype=np.float32)
    return grouped
