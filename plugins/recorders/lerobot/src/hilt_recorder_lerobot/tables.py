"""The parquet files: data, episodes, tasks."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import field, frozen
from numpy.typing import NDArray

from hilt_hooks import ConfigError
from hilt_recorder_lerobot.features import Feature, arrow_schema
from hilt_recorder_lerobot.layout import EPISODES_GLOB, FileIndex
from hilt_recorder_lerobot.stats import NAMES, Stats

_OWN = b"hilt"
_PANDAS_VERSION = "2.3.3"


@frozen
class VideoSpan:
    """Which part of which file is the episode's video, in seconds."""

    file: FileIndex
    start_s: float
    end_s: float


@frozen(eq=False)
class Episode:
    """One row of `meta/episodes`. Its frames have the indices from `start` up to, without, `start + length`.

    log: which log it was made from, None if by something else. meaning: of the numbers of enumerations, as of this
    episode: column -> {name: number}. stats: feature -> statistics; empty where they were not read.
    """

    index: int
    tasks: tuple[str, ...]
    length: int
    start: int
    data: FileIndex
    meta: FileIndex
    videos: Mapping[str, VideoSpan]
    stats: Mapping[str, Stats] = field(factory=dict)
    log: str | None = None
    meaning: Mapping[str, Mapping[str, int]] = field(factory=dict)

    @property
    def stop(self) -> int:
        return self.start + self.length


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Raises ConfigError that names the file where it is missing or cut off."""
    with _opened(path) as file:
        return file.read(columns=columns)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"{path}: not a readable parquet file ({error}); restore it or take another dataset") from error


def write_parquet(stream: BinaryIO, table: pa.Table) -> None:
    """One row group, compressed as LeRobot does."""
    pq.write_table(table, stream, compression="snappy", row_group_size=max(1, len(table)))


def data_table(features: Iterable[Feature], columns: Mapping[str, NDArray[Any]]) -> pa.Table:
    """columns: feature name -> (T, n) of the feature's dtype."""
    schema = arrow_schema(features)
    return pa.table([_to_arrow(columns[item.name], item.type) for item in schema], schema=schema)


def _to_arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, type=kind) if pa.types.is_fixed_size_list(kind) else flat


def tasks_table(tasks: Sequence[str]) -> pa.Table:
    """The tasks as pandas stores a frame with `task_index` whose index, named `task`, is their text."""
    columns = [
        {"name": name, "field_name": name, "pandas_type": pandas, "numpy_type": numpy, "metadata": None}
        for name, pandas, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ]
    header = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    metadata = {
        "index_columns": ["task"],
        "column_indexes": [{**header, "metadata": {"encoding": "UTF-8"}}],
        "columns": columns,
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": _PANDAS_VERSION,
    }
    schema = pa.schema([("task_index", pa.int64()), ("task", pa.string())], metadata={"pandas": json.dumps(metadata)})
    return pa.table([pa.array(range(len(tasks)), pa.int64()), pa.array(tasks, pa.string())], schema=schema)


def read_tasks(path: Path) -> list[str]:
    """The texts, in the order of their indices. Raises ConfigError where an index is missing."""
    if not path.exists():
        return []
    table = read_parquet(path)
    name = "task" if "task" in table.column_names else "__index_level_0__"
    tasks = dict(zip(table["task_index"].to_pylist(), table[name].to_pylist(), strict=True))
    if sorted(tasks) != list(range(len(tasks))):
        raise ConfigError(f"{path}: task_index is not 0 to {len(tasks) - 1}; restore the file or take another dataset")
    return [tasks[index] for index in range(len(tasks))]


def episodes_schema(features: Sequence[Feature]) -> pa.Schema:
    """Schema of a new dataset's episodes files."""
    integer, seconds = pa.int64(), pa.float64()
    fields = [("episode_index", integer), ("tasks", pa.list_(pa.string())), ("length", integer)]
    fields += [(name, integer) for name in ("data/chunk_index", "data/file_index", "dataset_from_index", "dataset_to_index")]
    for feature in features:
        if feature.is_video:
            key = f"videos/{feature.name}"
            fields += [(f"{key}/chunk_index", integer), (f"{key}/file_index", integer)]
            fields += [(f"{key}/from_timestamp", seconds), (f"{key}/to_timestamp", seconds)]
    for feature in features:
        of_values = pa.list_(seconds)
        if feature.is_visual:
            of_values = pa.list_(pa.list_(of_values))
        fields += [(f"stats/{feature.name}/{name}", pa.list_(integer) if name == "count" else of_values) for name in NAMES]
    return pa.schema([*fields, ("meta/episodes/chunk_index", integer), ("meta/episodes/file_index", integer)])


def _to_row(episode: Episode) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode_index": episode.index,
        "tasks": list(episode.tasks),
        "length": episode.length,
        "data/chunk_index": episode.data.chunk,
        "data/file_index": episode.data.file,
        "dataset_from_index": episode.start,
        "dataset_to_index": episode.stop,
        "meta/episodes/chunk_index": episode.meta.chunk,
        "meta/episodes/file_index": episode.meta.file,
    }
    for key, span in episode.videos.items():
        row[f"videos/{key}/chunk_index"] = span.file.chunk
        row[f"videos/{key}/file_index"] = span.file.file
        row[f"videos/{key}/from_timestamp"] = span.start_s
        row[f"videos/{key}/to_timestamp"] = span.end_s
    for feature, stats in episode.stats.items():
        for name, values in stats.items():
            row[f"stats/{feature}/{name}"] = stats_to_json(name, values)
    return row


def stats_to_json(name: str, values: NDArray[Any]) -> Any:
    return [int(count) for count in values] if name == "count" else values.tolist()


def episode_table(episode: Episode, schema: pa.Schema) -> pa.Table:
    """One row. What `schema` has and the episode has not is null; the other way round it is left out."""
    own = {"log": episode.log, "meaning": episode.meaning}
    row = _to_row(episode)
    columns = [pa.array([row.get(item.name)], item.type) for item in schema]
    return pa.table(columns, schema=schema.with_metadata({_OWN: json.dumps(own, ensure_ascii=False)}))


def _from_row(row: Mapping[str, Any], videos: Sequence[str], own: Mapping[str, Any]) -> Episode:
    def file(prefix: str) -> FileIndex:
        return FileIndex(row[f"{prefix}/chunk_index"], row[f"{prefix}/file_index"])

    stats: dict[str, dict[str, Any]] = {}
    for column, values in row.items():
        if column.startswith("stats/") and values is not None:
            feature, name = column.removeprefix("stats/").rsplit("/", 1)
            stats.setdefault(feature, {})[name] = np.array(values, dtype=np.float64)
    spans = {
        key: VideoSpan(file(f"videos/{key}"), row[f"videos/{key}/from_timestamp"], row[f"videos/{key}/to_timestamp"])
        for key in videos
    }
    return Episode(
        index=row["episode_index"],
        tasks=tuple(row["tasks"]),
        length=row["length"],
        start=row["dataset_from_index"],
        data=file("data"),
        meta=file("meta/episodes"),
        videos=spans,
        stats=stats,
        log=own.get("log"),
        meaning=own.get("meaning", {}),
    )


def read_episodes(root: Path, features: Iterable[Feature], *, stats: bool) -> list[Episode]:
    """All episodes, by index. stats: whether to read their statistics too, which is most of the work."""
    videos = [feature.name for feature in features if feature.is_video]
    episodes: list[Episode] = []
    for path in sorted(root.glob(EPISODES_GLOB)):
        with _opened(path) as file:
            schema = file.schema_arrow
            wanted = [name for name in schema.names if stats or not name.startswith("stats/")]
            # One row and many columns: starting threads for each file would take longer than reading it.
            rows = file.read(columns=wanted, use_threads=False).to_pylist()
        own = json.loads((schema.metadata or {}).get(_OWN, b"{}"))
        episodes += [_from_row(row, videos, own) for row in rows]
    return sorted(episodes, key=lambda episode: episode.index)


def read_schema(path: Path) -> pa.Schema:
    with _opened(path) as file:
        return file.schema_arrow
