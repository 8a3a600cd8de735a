"""A small dataset without images, written as LeRobotDataset v3.0."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from hilt_recorder_lerobot.features import DEFAULTS, Feature
from hilt_recorder_lerobot.layout import INFO, STATS, TASKS, FileIndex, data_path, episodes_path
from hilt_recorder_lerobot.stats import of_column
from hilt_recorder_lerobot.store import new_info
from hilt_recorder_lerobot.tables import Episode, data_table, episode_table, episodes_schema, tasks_table, write_parquet

NAMES = ["a.pos", "b.pos"]
FPS = 10
FEATURES = [
    Feature("action", "float32", (2,), NAMES),
    Feature("observation.state", "float32", (2,), NAMES),
    Feature("hilt.boundary", "bool", (1,)),
    *DEFAULTS,
]


def circle(length: int, start: float) -> np.ndarray:
    """(length + 1, 2) float32: a point that goes round; where it is says where it goes next."""
    angle = start + np.arange(length + 1) / 5
    return (30 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)


def write_dataset(root: Path, lengths: tuple[int, ...] = (40, 30), boundary: int = 12) -> Path:
    """The action is the next state. In the first episode there is a gap before the frame `boundary`."""
    columns: dict[str, list[np.ndarray]] = {feature.name: [] for feature in FEATURES}
    start = 0
    for episode, length in enumerate(lengths):
        path = circle(length, episode)
        gaps = np.arange(length) == (boundary if episode == 0 else -1)
        frames = np.arange(length)
        values = {
            "action": path[1:],
            "observation.state": path[:-1],
            "hilt.boundary": gaps,
            "timestamp": (frames / FPS).astype(np.float32),
            "frame_index": frames,
            "episode_index": np.full(length, episode),
            "index": frames + start,
            "task_index": np.zeros(length, np.int64),
        }
        for name, value in values.items():
            columns[name].append(value.reshape(length, -1))
        start += length
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    _write_files(root, lengths, whole)
    return root


def _write_files(root: Path, lengths: tuple[int, ...], columns: dict[str, np.ndarray]) -> None:
    first = FileIndex(0, 0)
    info = new_info(FPS, "two_joints", FEATURES)
    info |= {"total_episodes": len(lengths), "total_frames": sum(lengths), "total_tasks": 1}
    schema = episodes_schema(FEATURES)
    starts = np.cumsum([0, *lengths])
    rows = [
        episode_table(Episode(index, ("Go round",), length, int(starts[index]), first, first, {}), schema)
        for index, length in enumerate(lengths)
    ]
    for relative in (INFO, data_path(info, first), episodes_path(first)):
        (root / relative).parent.mkdir(parents=True)
    (root / INFO).write_text(json.dumps(info))
    stats = {
        name: {key: np.asarray(value).tolist() for key, value in of_column(values).items()} for name, values in columns.items()
    }
    (root / STATS).write_text(json.dumps(stats))
    for relative, table in (
        (data_path(info, first), data_table(FEATURES, columns)),
        (episodes_path(first), pa.concat_tables(rows)),
        (TASKS, tasks_table(["Go round"])),
    ):
        with (root / relative).open("wb") as stream:
            write_parquet(stream, table)
