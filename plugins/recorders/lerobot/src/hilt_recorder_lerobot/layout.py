"""Where the files of a dataset lie, relative to its root."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

CHUNK_SIZE = 1000
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_GLOB = "meta/episodes/*/*.parquet"
INFO = Path("meta/info.json")
STATS = Path("meta/stats.json")
TASKS = Path("meta/tasks.parquet")
INTENT = Path("hilt/intent.json")
KEPT_OUT = Path("hilt/kept_out.json")
LOCK = Path("hilt/lock")


@frozen(order=True)
class FileIndex:
    """Files of one kind are numbered within chunks (folders) of at most `chunks_size`."""

    chunk: int
    file: int

    def following(self, chunk_size: int) -> "FileIndex":
        return FileIndex(self.chunk + 1, 0) if self.file + 1 >= chunk_size else FileIndex(self.chunk, self.file + 1)


def next_file(used: Iterable[FileIndex], chunk_size: int) -> FileIndex:
    last = max(used, default=None)
    return FileIndex(0, 0) if last is None else last.following(chunk_size)


def episodes_path(index: FileIndex) -> Path:
    return Path(EPISODES_PATH.format(chunk_index=index.chunk, file_index=index.file))


def data_path(info: Mapping[str, Any], index: FileIndex) -> Path:
    return Path(info["data_path"].format(chunk_index=index.chunk, file_index=index.file))


def video_path(info: Mapping[str, Any], key: str, index: FileIndex) -> Path:
    return Path(info["video_path"].format(video_key=key, chunk_index=index.chunk, file_index=index.file))
