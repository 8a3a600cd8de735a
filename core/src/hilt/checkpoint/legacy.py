"""Checkpoints from before LeRobot 0.4: no processor files, the statistics are buffers among the weights.

normalize_inputs.buffer_observation_state.mean
normalize_targets.buffer_action.std
unnormalize_outputs.buffer_action.std
"""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

_GROUPS = ("normalize_inputs.", "normalize_targets.", "unnormalize_outputs.")

Tensors = dict[str, NDArray[Any]]


def split_legacy(tensors: Mapping[str, NDArray[Any]], features: Iterable[str]) -> tuple[Tensors, dict[str, Tensors]]:
    """(weights, feature -> statistic -> values). `features` are the names that the buffers' names were made from."""
    weights: Tensors = {}
    statistics: dict[str, Tensors] = {}
    names = {feature.replace(".", "_"): feature for feature in features}
    for key, tensor in tensors.items():
        if not key.startswith(_GROUPS):
            weights[key] = tensor
            continue
        _, buffer, statistic = key.split(".", 2)
        feature = names.get(buffer.removeprefix("buffer_"))
        if feature is not None:
            statistics.setdefault(feature, {})[statistic] = tensor
    return weights, statistics
