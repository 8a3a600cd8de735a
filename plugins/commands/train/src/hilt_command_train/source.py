"""The dataset: what a policy may learn from, and its frames in memory."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from hilt.processors import ACTION, Feature, camera_of, resize
from hilt.processors.features import STATE
from hilt_command_train.config import DatasetConfig
from hilt_command_train.memory import check_fits
from hilt_command_train.samples import Samples, run_ends
from hilt_command_train.trainable import Statistics
from hilt_hooks import ConfigError
from hilt_recorder_lerobot.features import Feature as DatasetFeature
from hilt_recorder_lerobot.layout import STATS
from hilt_recorder_lerobot.plugin import lerobot_home
from hilt_recorder_lerobot.reader import Dataset

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
    cameras = {name: _image_shape(feature) for name, feature in features.items() if feature.is_visual and not _is_depth(feature)}
    inputs = {name: Feature(kind, features[name].shape) for name, kind in _VECTORS.items() if name in features}
    inputs |= {name: Feature("VISUAL", (channels, height, width)) for name, (height, width, channels) in cameras.items()}
    if ACTION not in features or not inputs:
        raise ConfigError(f"{root}: a policy needs observations and `action`; the dataset has {', '.join(features)}")
    return Source(
        dataset=dataset,
        episodes=_chosen(config.episodes, len(dataset.episodes), root),
        inputs=inputs,
        outputs={ACTION: Feature("ACTION", features[ACTION].shape)},
        statistics=_statistics(root, cameras if config.use_imagenet_stats else ()),
        state=_names(features[STATE].names) if STATE in features else (),
        actions=_names(features[ACTION].names),
        cameras={camera_of(name): shape for name, shape in cameras.items()},
    )


def _statistics(root: Path, imagenet: Iterable[str]) -> Statistics:
    """Those of the dataset; for the features in `imagenet`, mean and standard deviation of ImageNet."""
    try:
        stored: dict[str, dict[str, Any]] = json.loads((root / STATS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{root / STATS}: cannot be read ({error}); a policy cannot be normalised without it") from error
    return stored | {name: {**stored.get(name, {}), **_IMAGENET} for name in imagenet}


Report = Callable[[int], None]
"""Told how many frames are done."""


def frame_count(source: Source) -> int:
    return sum(source.dataset.episodes[index].length for index in source.episodes)


def check_memory(source: Source, inputs: Mapping[str, Feature]) -> None:
    """Raises ConfigError if the frames do not fit into memory, images at the size that `inputs` says."""
    pixels = sum(height * width for height, width in _image_sizes(inputs).values())
    check_fits(frame_count(source) * pixels * 3)


def _image_sizes(inputs: Mapping[str, Feature]) -> dict[str, tuple[int, ...]]:
    """Height and width by name."""
    return {name: feature.shape[1:] for name, feature in inputs.items() if feature.type == "VISUAL"}


def load_samples(source: Source, inputs: Mapping[str, Feature], report: Report) -> Samples:
    """All frames in memory, images scaled to the size that `inputs` says."""
    count, sizes = frame_count(source), _image_sizes(inputs)
    images = {name: np.empty((count, *size, 3), dtype=np.uint8) for name, size in sizes.items()}
    row = 0
    for episode in source.episodes if sizes else ():
        for frame in source.dataset.frames(episode):
            for name, size in sizes.items():
                images[name][row] = resize(frame[name], *size)
            row += 1
            report(row)
    columns = [source.dataset.episode(index) for index in source.episodes]
    vectors = {
        name: np.concatenate([episode[name] for episode in columns]).astype(np.float32)
        for name in (*inputs, ACTION)
        if name not in sizes
    }
    episodes = np.repeat(np.array(source.episodes), [len(episode[ACTION]) for episode in columns])
    return Samples(vectors, images, run_ends(episodes, _boundaries(columns, count)))


def _boundaries(columns: Sequence[Mapping[str, NDArray[Any]]], count: int) -> NDArray[np.bool_]:
    """Which frames follow a gap; none, if the dataset does not say."""
    if not all(BOUNDARY in episode for episode in columns):
        return np.zeros(count, dtype=np.bool_)
    return np.concatenate([episode[BOUNDARY].reshape(-1) for episode in columns]).astype(np.bool_)


def _chosen(wanted: Sequence[int] | None, count: int, root: Path) -> tuple[int, ...]:
    chosen = tuple(range(count)) if wanted is None else tuple(wanted)
    if not chosen:
        raise ConfigError(f"{root}: there is no episode to learn from")
    if wrong := [index for index in chosen if not 0 <= index < count]:
        raise ConfigError(f"dataset.episodes: {wrong} not in {root}; it has the episodes 0 to {count - 1}")
    return chosen


def _image_shape(feature: DatasetFeature) -> tuple[int, int, int]:
    """(h, w, c), whichever order the dataset stores it in."""
    if feature.names is not None and next(iter(feature.names)) == "channels":
        channels, height, width = feature.shape
    else:
        height, width, channels = feature.shape
    return height, width, channels


def _is_depth(feature: DatasetFeature) -> bool:
    return bool(feature.extra.get("info", {}).get("is_depth_map"))


def _names(names: Any) -> tuple[str, ...]:
    return tuple(names) if isinstance(names, list) else ()
