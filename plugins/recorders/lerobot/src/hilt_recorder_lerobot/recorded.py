"""An episode as a replay needs it: actions and states, their channels by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt_hooks import ConfigError, RecordedEpisode
from hilt_recorder_lerobot.features import Feature
from hilt_recorder_lerobot.reader import Dataset

_ACTION, _STATE = "action", "observation.state"


def recorded_episode(root: Path, index: int) -> RecordedEpisode:
    """Raises ConfigError where there is no such dataset or episode, or where its actions have no names."""
    dataset = Dataset(root)
    try:
        count = len(dataset.episodes)
        if index >= count:
            has = f"episodes 0 to {count - 1}" if count else "no episode"
            raise ConfigError(f"dataset.episode: there is no {index}; {root} has {has}")
        columns, features = dataset.episode(index), dataset.features
        names = _names(features, _ACTION)
        if _ACTION not in columns or not names:
            raise ConfigError(
                f"dataset.repo_id: the actions of {root} have no names, so that nobody can say which joint is meant"
            )
        tasks = columns.get("task_index")
        return RecordedEpisode(
            where=str(root),
            robot_type=str(dataset.info.get("robot_type") or ""),
            task=dataset.tasks[int(tasks[0, 0])] if tasks is not None and len(tasks) else "",
            fps=float(dataset.fps),
            action_names=names,
            actions=columns[_ACTION].astype(np.float64),
            state_names=_names(features, _STATE) if _STATE in columns else (),
            states=_states(columns, features),
        )
    finally:
        dataset.close()


def _states(columns: Mapping[str, NDArray[Any]], features: Mapping[str, Feature]) -> NDArray[np.float64]:
    if _STATE in columns and _names(features, _STATE):
        return columns[_STATE].astype(np.float64)
    return np.zeros((len(columns[_ACTION]), 0))


def _names(features: Mapping[str, Feature], name: str) -> tuple[str, ...]:
    """The channels of a feature. Older datasets group them: {"motors": [...]}."""
    given = features[name].names if name in features else None
    if isinstance(given, Mapping):
        given = next(iter(given.values()), None)
    return tuple(map(str, given)) if isinstance(given, list | tuple) else ()
