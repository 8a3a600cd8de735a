"""The light steps that every LeRobot checkpoint lists: rename, add the batch dimension, choose a device."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from hilt_hooks import Transition, option

State = Mapping[str, NDArray[Any]]

_VECTORS = ("observation.state", "observation.environment_state")
_PLAIN_DIMENSIONS = {"vector": 1, "image": 3}


@frozen(kw_only=True)
class RenameConfig:
    rename_map: Mapping[str, str] = option({}, help="Observation key -> the key that the policy was trained with")


class Rename:
    """Renames observation keys; the others keep their names."""

    def __init__(self, config: RenameConfig, state: State) -> None:
        self._names = dict(config.rename_map)

    def __call__(self, transition: Transition) -> Transition:
        return evolve(transition, observation={self._names.get(key, key): value for key, value in transition.observation.items()})

    def reset(self) -> None:
        pass


@frozen(kw_only=True)
class ToBatchConfig:
    pass


class ToBatch:
    """Adds the batch dimension to a single sample: (n,) -> (1, n), (c, h, w) -> (1, c, h, w), a task -> [task].

    What already has one is left alone.
    """

    def __init__(self, config: ToBatchConfig, state: State) -> None:
        pass

    def __call__(self, transition: Transition) -> Transition:
        observation = {key: _batched(key, value) for key, value in transition.observation.items()}
        action = transition.action
        if action is not None and action.ndim == 1:
            action = action[None]
        info = dict(transition.info)
        if isinstance(info.get("task"), str):
            info["task"] = [info["task"]]
        return evolve(transition, observation=observation, action=action, info=info)

    def reset(self) -> None:
        pass


def _batched(key: str, value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if key in _VECTORS:
        return value[None] if value.ndim == _PLAIN_DIMENSIONS["vector"] else value
    if key.startswith("observation.image"):
        return value[None] if value.ndim == _PLAIN_DIMENSIONS["image"] else value
    return value


@frozen(kw_only=True)
class DeviceConfig:
    device: str = option("cpu", help="Where LeRobot puts the tensors")
    float_dtype: str | None = option(None, help="What LeRobot casts floating point tensors to")


class OnDevice:
    """Changes nothing: numpy arrays have no device, and the policy chooses where its network runs.

    It is a step so that a checkpoint's files are the same after loading and saving them.
    """

    def __init__(self, config: DeviceConfig, state: State) -> None:
        pass

    def __call__(self, transition: Transition) -> Transition:
        return transition

    def reset(self) -> None:
        pass
