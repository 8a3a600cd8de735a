"""The rows of a log as columns of a dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from hilt.ipc.messages import Column, Row
from hilt.log import EpisodeLog
from hilt_hooks import HiltError
from hilt_recorder_lerobot.features import Feature

SUCCESS = "hilt.success"
Columns = dict[str, NDArray[Any]]
"""Feature name -> (T, n) of the feature's dtype."""
Meaning = Mapping[str, Mapping[str, int]]
"""Column -> {name: number}."""


class EpisodeRefused(HiltError):
    """An episode that cannot go into the dataset. Its log is kept."""


@frozen(eq=False)
class Content:
    columns: Columns
    length: int
    meaning: Meaning


def identity(path: Path) -> str:
    """What tells a log from all others: its session and episode. Of a log that is gone, from its path."""
    if path.exists():
        log = EpisodeLog(path)
        return name_of(log)
    return f"{path.parent.name}/{path.name.split('.')[0]}"


def name_of(log: EpisodeLog) -> str:
    return f"{log.header.session}/episode-{log.episode:06d}"


def read_content(log: EpisodeLog, features: Sequence[Feature], known: Meaning) -> Content:
    """The numeric columns of a log, without the defaults. What the dataset has and the log has not is filled.

    known: what the numbers of the dataset's enumerations mean so far. The log's are translated to them; new names get
    new numbers. Raises EpisodeRefused for an empty log and for values that do not fit their column.
    """
    rows = list(log.rows())
    if not rows:
        raise EpisodeRefused(f"{log.path}: the log has no rows")
    declared = {column.name: column for column in log.header.columns}
    columns: Columns = {}
    meaning = dict(known)
    for feature in features:
        column = declared.get(feature.name)
        if column is None:
            columns[feature.name] = _missing(feature, len(rows))
            continue
        values = _values(rows, feature, log.path)
        if column.meaning is not None:
            values, meaning[feature.name] = _translated(values, column, known.get(feature.name, {}))
        columns[feature.name] = values
    if SUCCESS in columns and log.outcome is not None and log.outcome.success is not None:
        columns[SUCCESS][:] = log.outcome.success
    return Content(columns, len(rows), meaning)


def _missing(feature: Feature, length: int) -> NDArray[Any]:
    """NaN, -1 or False: nobody recorded it."""
    kind = np.dtype(feature.dtype)
    value = {"f": np.nan, "i": -1}.get(kind.kind, 0)
    return np.full((length, feature.shape[0]), value, dtype=kind)


def _values(rows: Sequence[Row], feature: Feature, path: Path) -> NDArray[Any]:
    kind, size = np.dtype(feature.dtype), feature.shape[0]
    nothing = [np.nan] * size if kind.kind == "f" else None
    values = np.empty((len(rows), size), dtype=kind)
    for index, row in enumerate(rows):
        try:
            values[index] = _one(row.values[feature.name], size, nothing)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise EpisodeRefused(
                f"{path}: row {index}, column {feature.name} ({feature.dtype} {list(feature.shape)}): {error}"
            ) from error
    return values


def _one(value: Any, size: int, nothing: list[float] | None) -> Any:
    """A scalar or list of `size` numbers. A scalar that is not there counts as all components not there."""
    numbers = value if isinstance(value, list) else [value]
    if nothing is not None and len(numbers) == 1 and numbers[0] != numbers[0]:
        return nothing
    if len(numbers) != size:
        raise ValueError(f"{len(numbers)} values instead of {size}")
    return numbers


def _translated(values: NDArray[Any], column: Column, known: Mapping[str, int]) -> tuple[NDArray[Any], dict[str, int]]:
    merged = dict(known)
    result = values.copy()
    for name, number in (column.meaning or {}).items():
        if name not in merged:
            merged[name] = number if number not in merged.values() else max(merged.values()) + 1
        result[values == number] = merged[name]
    return result, merged


def default_columns(length: int, fps: int, episode: int, start: int, task: int) -> Columns:
    """timestamp is frame_index / fps, never a wall clock."""
    frames = np.arange(length, dtype=np.int64)[:, None]
    return {
        "timestamp": (frames / fps).astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full_like(frames, episode),
        "index": frames + start,
        "task_index": np.full_like(frames, task),
    }
