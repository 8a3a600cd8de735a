"""Reading LeRobotDatasets of version 3.0, written by whomever."""

import io
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hilt_hooks import ConfigError
from hilt_recorder_lerobot import layout
from hilt_recorder_lerobot.check import problems_of
from hilt_recorder_lerobot.features import Feature
from hilt_recorder_lerobot.layout import FileIndex
from hilt_recorder_lerobot.store import State, read_state
from hilt_recorder_lerobot.tables import Episode, read_parquet
from hilt_recorder_lerobot.video import VideoReader

Frame = dict[str, Any]
"""Feature name -> array of the feature's shape, images as (h, w, 3) uint8 RGB; `task` -> its text."""

_OPEN_VIDEOS = 16
_OPEN_TABLES = 4


class Dataset:
    """A dataset at `root`. Frames are counted over all episodes, episodes from 0.

    Columns of the data files that info.json does not list are left out. Not to be shared by threads or forked processes.
    Raises ConfigError where there is no dataset or a file cannot be read.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        state = read_state(self.root, stats=False)
        if state is None:
            raise ConfigError(f"{self.root}: no dataset here (meta/info.json is missing); check the path")
        self._state: State = state
        self._starts = np.array([episode.start for episode in state.episodes], dtype=np.int64)
        self._columns: OrderedDict[FileIndex, dict[str, NDArray[Any]]] = OrderedDict()
        self._videos: OrderedDict[Path, VideoReader] = OrderedDict()

    @property
    def info(self) -> Mapping[str, Any]:
        return self._state.info

    @property
    def fps(self) -> int:
        return int(self.info["fps"])

    @property
    def features(self) -> dict[str, Feature]:
        return {feature.name: feature for feature in self._state.features}

    @property
    def episodes(self) -> Sequence[Episode]:
        return self._state.episodes

    @property
    def tasks(self) -> Sequence[str]:
        """Texts; `task_index` points into them."""
        return self._state.tasks

    @property
    def meaning(self) -> Mapping[str, Mapping[str, int]]:
        """Enumerations: column -> {name: number}."""
        return self._state.meaning

    def __len__(self) -> int:
        return self._state.frames

    def close(self) -> None:
        for video in self._videos.values():
            video.close()
        self._videos.clear()

    def episode(self, index: int) -> dict[str, NDArray[Any]]:
        """The columns of an episode without video: feature -> (T, *shape)."""
        episode = self.episodes[index]
        columns = self._file(episode.data)
        first = int(np.searchsorted(columns["index"][:, 0], episode.start))
        return {name: values[first : first + episode.length] for name, values in columns.items()}

    def frame(self, index: int) -> Frame:
        """One frame with its images decoded. Raises IndexError outside 0..len-1."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.root}: frame {index} of {len(self)}")
        episode = self.episodes[int(np.searchsorted(self._starts, index, side="right")) - 1]
        columns = self._file(episode.data)
        row = int(np.searchsorted(columns["index"][:, 0], index))
        images = {key: self._image(episode, key, index - episode.start) for key in episode.videos}
        return self._assembled({name: values[row] for name, values in columns.items()}, images)

    def frames(self, episode: int) -> Iterator[Frame]:
        """All frames of an episode, in order, each video decoded once."""
        found = self.episodes[episode]
        columns = self.episode(episode)
        for row in range(found.length):
            images = {key: self._image(found, key, row) for key in found.videos}
            yield self._assembled({name: values[row] for name, values in columns.items()}, images)

    def check(self) -> list[str]:
        """What is wrong with the dataset, one line each; [] if nothing is. Reads every data file and counts video frames."""
        return problems_of(self.root, self._state)

    def _assembled(self, values: Mapping[str, Any], images: Mapping[str, NDArray[np.uint8]]) -> Frame:
        frame: Frame = {}
        for feature in self._state.features:
            if feature.is_video:
                frame[feature.name] = images[feature.name]
            elif feature.name in values:
                value = values[feature.name]
                frame[feature.name] = _picture(value) if feature.dtype == "image" else value
        frame["task"] = self.tasks[int(values["task_index"][0])]
        return frame

    def _image(self, episode: Episode, key: str, row: int) -> NDArray[np.uint8]:
        span = episode.videos[key]
        path = self.root / layout.video_path(self.info, key, span.file)
        return self._video(path).at(span.start_s + row / self.fps)

    def _video(self, path: Path) -> VideoReader:
        if path not in self._videos:
            self._videos[path] = VideoReader(path)
            if len(self._videos) > _OPEN_VIDEOS:
                self._videos.popitem(last=False)[1].close()
        self._videos.move_to_end(path)
        return self._videos[path]

    def _file(self, index: FileIndex) -> dict[str, NDArray[Any]]:
        if index not in self._columns:
            table = read_parquet(self.root / layout.data_path(self.info, index))
            self._columns[index] = {
                feature.name: column_values(table, feature)
                for feature in self._state.features
                if feature.name in table.column_names
            }
            if len(self._columns) > _OPEN_TABLES:
                self._columns.popitem(last=False)
        self._columns.move_to_end(index)
        return self._columns[index]


def column_values(table: pa.Table, feature: Feature) -> NDArray[Any]:
    """(T, *shape) of the feature's dtype; objects for what is not numeric."""
    column = table[feature.name].combine_chunks()
    if not feature.is_numeric:
        return np.array([*column.to_pylist(), None], dtype=object)[:-1]
    while pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type) or pa.types.is_large_list(column.type):
        column = column.flatten()
    values = column.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=feature.dtype).reshape(len(table), *feature.shape)


def _picture(stored: Mapping[str, Any]) -> NDArray[np.uint8]:
    """An image that a data file holds: {bytes, path}. Gives (h, w, 3) RGB."""
    with av.open(io.BytesIO(stored["bytes"]), "r") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), dtype=np.uint8)
