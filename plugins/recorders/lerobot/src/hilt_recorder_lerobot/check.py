"""Finding what is wrong with a dataset. Nothing is changed."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from hilt_hooks import HiltError
from hilt_recorder_lerobot import layout
from hilt_recorder_lerobot.files import PART
from hilt_recorder_lerobot.store import State
from hilt_recorder_lerobot.tables import Episode, read_parquet
from hilt_recorder_lerobot.video import TOLERANCE_S, count_frames

_CHECKED = ["timestamp", "frame_index", "episode_index", "index", "task_index"]


def problems_of(root: Path, state: State) -> list[str]:
    """One line for each problem."""
    return list(
        chain(_in_totals(state), _in_order(state), _in_data(root, state), _in_videos(root, state), _in_files(root, state))
    )


def _in_totals(state: State) -> Iterator[str]:
    counted = {
        "total_episodes": len(state.episodes),
        "total_frames": sum(episode.length for episode in state.episodes),
        "total_tasks": len(state.tasks),
    }
    for key, value in counted.items():
        if state.info.get(key) != value:
            yield f"meta/info.json: {key} is {state.info.get(key)}, the files hold {value}"


def _in_order(state: State) -> Iterator[str]:
    start = 0
    for number, episode in enumerate(state.episodes):
        if episode.index != number:
            yield f"meta/episodes: episode {episode.index} where {number} comes next"
        if episode.start != start:
            yield f"episode {episode.index}: begins at frame {episode.start}, the one before ends at {start}"
        for task in episode.tasks:
            if task not in state.tasks:
                yield f"episode {episode.index}: task {task!r} is not in meta/tasks.parquet"
        start = episode.stop


def _in_data(root: Path, state: State) -> Iterator[str]:
    by_file = defaultdict(list)
    for episode in state.episodes:
        by_file[episode.data].append(episode)
    for file, episodes in sorted(by_file.items()):
        path = layout.data_path(state.info, file)
        try:
            table = read_parquet(root / path)
        except HiltError as error:
            yield str(error)
            continue
        missing = [f.name for f in state.features if not f.is_video and f.name not in table.column_names]
        if missing:
            yield f"{path}: columns missing: {', '.join(missing)}"
        if set(_CHECKED) <= set(table.column_names):
            yield from _in_rows(path, table, episodes, state)


def _in_rows(path: Path, table: pa.Table, episodes: list[Episode], state: State) -> Iterator[str]:
    columns = {name: table[name].to_numpy() for name in _CHECKED}
    length = sum(episode.length for episode in episodes)
    if len(table) != length:
        yield f"{path}: {len(table)} rows, its episodes have {length}"
    if len(table) and columns["task_index"].max() >= len(state.tasks):
        yield f"{path}: task_index {columns['task_index'].max()}, but there are {len(state.tasks)} tasks"
    for episode in episodes:
        rows = columns["episode_index"] == episode.index
        frames = np.arange(episode.length)
        if rows.sum() != episode.length:
            yield f"{path}: episode {episode.index} has {rows.sum()} rows, not {episode.length}"
        elif not np.array_equal(columns["index"][rows], frames + episode.start):
            yield f"{path}: episode {episode.index}: index does not count from {episode.start}"
        elif not np.array_equal(columns["frame_index"][rows], frames):
            yield f"{path}: episode {episode.index}: frame_index does not count from 0"
        elif not np.allclose(columns["timestamp"][rows], frames / state.info["fps"], rtol=1e-6, atol=TOLERANCE_S):
            yield f"{path}: episode {episode.index}: timestamp is not frame_index / fps"


def _in_videos(root: Path, state: State) -> Iterator[str]:
    by_file = defaultdict(list)
    for episode in state.episodes:
        for key, span in episode.videos.items():
            by_file[layout.video_path(state.info, key, span.file)].append((episode, span))
    for path, parts in sorted(by_file.items()):
        for episode, span in parts:
            if abs(span.end_s - span.start_s - episode.length / state.info["fps"]) > TOLERANCE_S:
                yield f"{path}: episode {episode.index} has {episode.length} rows, but {span.end_s - span.start_s:.4f} s of video"
        rows = sum(episode.length for episode, _ in parts)
        try:
            frames = count_frames(root / path)
        except HiltError as error:
            yield str(error)
            continue
        if frames != rows:
            yield f"{path}: {frames} frames, its episodes have {rows} rows"


def _in_files(root: Path, state: State) -> Iterator[str]:
    if (root / layout.INTENT).exists():
        yield f"{layout.INTENT}: a change was cut short; the next recording into this dataset finishes or undoes it"
    named = {root / file for episode in state.episodes for file in state.files_of(episode)}
    for folder, suffix in (("data", ".parquet"), ("videos", ".mp4")):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix == PART:
                yield f"{path.relative_to(root)}: left over by a recording that was cut short"
            elif path.suffix == suffix and path not in named:
                yield f"{path.relative_to(root)}: no episode names this file"
