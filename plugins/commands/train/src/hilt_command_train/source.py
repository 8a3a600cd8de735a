"""The dataset: what a policy may learn from, and its frames in memory."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from hilt.processors import ACTION, Feature, camera_of, resize
from hilt.processors.features import STATE
from hilt_hooks import ConfigError
from hilt_recorder_lerobot import Dataset
from hilt_recorder_lerobot.plugin import lerobot_home
from numpy.typing import NDArray

from hilt_command_train.config import DatasetConfig
from hilt_command_train.memory import check_fits
from hilt_command_train.samples import Samples, run_ends
from hilt_command_train.trainable import Statistics

BOUNDARY = "hilt.boundary"
ENVIRONMENT = "observation.environment_state"
_VECTORS = {STATE: "STATE", ENVIRONMENT: "ENV"}
_IMAGENET = {"mean": [[[0.485]], [[0.456]], [[0.406]]], "std": [[[0.229]], [[0.224]], [[0.225]]]}


@frozen(eq=False)
class Source:
    """An open dataset. inputs, outputs: its features that a policy may use; images (c, h, w) as recorded.

    statistics: feature -> statistic -> values. state, actions: channel names, () if the dataset does not say.
    cameras: name -> (h, w, c).
    """

    dataset: Dataset
    episodes: tuple[int, ...]
    inputs: Mapping[str, Feature]
    outputs: Mapping[str, Feature]
    statistics: Statistics
    state: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    cameras: Mapping[str, tuple[int, int, int]] = field(factory=dict)


def open_source(config: DatasetConfig) -> Source:
    """Read what the dataset says about itself; no frame is touched. Raises ConfigError if it cannot be learned from."""
    root = Path(config.root).expanduser() if config.root else lerobot_home() / config.repo_id
    dataset = Dataset(root)
    features = dataset.features
    inputs: dict[str, Feature] = {}
    for feature in features.values():
        if feature.name in _VECTORS:
            inputs[feature.name] = Feature(_VECTORS[feature.name], feature.shape)
        elif feature.is_visual and not _is_depth(feature.extra):
            height, width, channels = _image_shape(feature)
            inputs[feature.name] = Feature("VISUAL", (channels, height, width))
    if ACTION not in features or not inputs:
        raise ConfigError(f"{root}: a policy needs observations and `action`; the dataset has {', '.join(features)}")
    statistics = {name: dict(values) for name, values in dataset.stats.items()}
    for name, feature in inputs.items():
        if feature.type == "VISUAL" and config.use_imagenet_stats:
            statistics[name] = {**statistics.get(name, {}), **_IMAGENET}
    return Source(
        dataset=dataset,
        episodes=_chosen(config.episodes, len(dataset.episodes), root),
        inputs=inputs,
        outputs={ACTION: Feature("ACTION", features[ACTION].shape)},
        statistics=statistics,
        state=_names(features[STATE].names) if STATE in features else (),
        actions=_names(features[ACTION].names),
        cameras={camera_of(name): _image_shape(features[name]) for name, f in inputs.items() if f.type == "VISUAL"},
    )
