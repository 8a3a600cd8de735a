"""A dataset on disk, as its writer sees it: read, repaired, extended and shortened by whole episodes.

An episode is in the dataset from the moment on at which its file under `meta/episodes` has its name. What is to be done
is written down first (`hilt/intent.json`); whoever finds that file finishes or undoes the work. Totals and statistics
follow from the episodes and are written anew each time, `info.json` last.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from attrs import asdict, evolve, frozen

from hilt_hooks import ConfigError
from hilt_recorder_lerobot import layout
from hilt_recorder_lerobot.features import Feature, read_features
from hilt_recorder_lerobot.files import PART, delete, locked, publish, replace, writing
from hilt_recorder_lerobot.layout import EPISODES_GLOB, FileIndex, next_file
from hilt_recorder_lerobot.stats import Stats, by_feature
from hilt_recorder_lerobot.tables import (
    Episode,
    episode_table,
    episodes_schema,
    read_episodes,
    read_schema,
    read_tasks,
    stats_to_json,
    tasks_table,
    write_parquet,
)

OWN = "hilt"
"""Key of info.json under which the meaning of enumerations is kept."""


@frozen(eq=False)
class State:
    info: Mapping[str, Any]
    features: Sequence[Feature]
    episodes: Sequence[Episode]
    tasks: Sequence[str]

    @property
    def frames(self) -> int:
        return self.episodes[-1].stop if self.episodes else 0

    @property
    def meaning(self) -> Mapping[str, Mapping[str, int]]:
        """Of the numbers of enumerations: column -> {name: number}."""
        known: Mapping[str, Mapping[str, int]] = self.info.get(OWN, {}).get("meaning", {})
        return next((episode.meaning for episode in reversed(self.episodes) if episode.meaning), known)

    def next_data(self) -> FileIndex:
        return next_file((episode.data for episode in self.episodes), self._chunk_size)

    def next_meta(self) -> FileIndex:
        return next_file((episode.meta for episode in self.episodes), self._chunk_size)

    def next_video(self, key: str) -> FileIndex:
        return next_file((episode.videos[key].file for episode in self.episodes), self._chunk_size)

    @property
    def _chunk_size(self) -> int:
        return int(self.info["chunks_size"])

    def files_of(self, episode: Episode) -> list[Path]:
        """Data and videos, relative to the root."""
        videos = [layout.video_path(self.info, key, span.file) for key, span in episode.videos.items()]
        return [*videos, layout.data_path(self.info, episode.data)]


def new_info(fps: int, robot_type: str, features: Sequence[Feature]) -> dict[str, Any]:
    """The info.json of an empty dataset, in LeRobot's order."""
    return {
        "codebase_version": "v3.0",
        "fps": fps,
        "features": {feature.name: feature.to_json() for feature in features},
        "total_episodes": 0,
        "total_frames": 0,
        "total_tasks": 0,
        "chunks_size": layout.CHUNK_SIZE,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "data_path": layout.DATA_PATH,
        "video_path": layout.VIDEO_PATH if any(feature.is_video for feature in features) else None,
        "robot_type": robot_type,
        "splits": {"train": "0:0"},
    }


def read_info(root: Path) -> dict[str, Any] | None:
    """info.json, or None where there is no dataset. Raises ConfigError for what is not version 3.0."""
    path = root / layout.INFO
    try:
        info: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON ({error}); restore it or take another dataset") from error
    if info.get("codebase_version") != "v3.0":
        raise ConfigError(f"{path}: codebase_version is {info.get('codebase_version')!r}, only 'v3.0' is known; convert it first")
    return info


def read_state(root: Path, *, stats: bool) -> State | None:
    """What is there, without repairing anything. None: no dataset."""
    info = read_info(root)
    if info is None:
        return None
    features = read_features(info)
    return State(info, features, read_episodes(root, features, stats=stats), read_tasks(root / layout.TASKS))


@frozen
class _Intent:
    """keep: what to do when `episode` is there: True, finish adding; False, delete. tasks: how many to keep if it goes."""

    keep: bool
    episode: str
    files: list[str]
    tasks: int


class Store:
    """One writer of the dataset at `root`. It may not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: tuple[tuple[int, int, int], State] | None = None

    @contextmanager
    def opened(self) -> Iterator[State | None]:
        """The repaired dataset, None if there is none, for as long as no other process may change it."""
        with locked(self.root / layout.LOCK):
            yield self._current()

    def _current(self) -> State | None:
        stamp = self._stamp()
        if self._known is None or self._known[0] != stamp or (self.root / layout.INTENT).exists():
            self._repair()
            state = read_state(self.root, stats=True)
            return None if state is None else self._remember(self._consistent(state))
        return self._known[1]

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = (self.root / layout.INFO).stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _remember(self, state: State) -> State:
        self._known = (self._stamp(), state)
        return state

    def _consistent(self, state: State) -> State:
        """Check that the episodes follow one another; bring totals up to date that lag behind them."""
        info, episodes = state.info, state.episodes
        starts = [0, *(episode.stop for episode in episodes)]
        broken = [e.index for number, e in enumerate(episodes) if (e.index, e.start) != (number, starts[number])]
        if broken or info["total_episodes"] > len(episodes):
            raise ConfigError(
                f"{self.root}: info.json counts {info['total_episodes']} episodes, meta/episodes holds {len(episodes)}"
                f"{f' and episode {broken[0]} is out of order' if broken else ''}; restore the dataset or record into another one"
            )
        return state if info["total_episodes"] == len(episodes) else self._derive(state)

    def _repair(self) -> None:
        """Finish or undo what an earlier process was killed in."""
        delete(part for folder in ("data", "meta", "videos") for part in list((self.root / folder).rglob(f"*{PART}")))
        delete(list((self.root / layout.INTENT.parent).glob(f"*{PART}")))
        path = self.root / layout.INTENT
        if not path.exists():
            return
        intent = _Intent(**json.loads(path.read_bytes()))
        if intent.keep and (self.root / intent.episode).exists():
            self._derive(self._read())
            delete([path])
        else:
            self._drop(intent)

    def _read(self) -> State:
        state = read_state(self.root, stats=True)
        if state is None:
            raise ConfigError(f"{self.root / layout.INFO}: missing; restore it or take another dataset")
        return state

    def create(self, state: State) -> State:
        """Write down a dataset without episodes."""
        self._write_info(state.info)
        return self._remember(state)

    def add(self, state: State, episode: Episode, tasks: Sequence[str]) -> State:
        """Append an episode whose data and videos lie written as parts. tasks: all, with those that are new."""
        files = state.files_of(episode)
        meta = layout.episodes_path(episode.meta)
        with writing(self.root / meta) as stream:
            write_parquet(stream, episode_table(episode, self._schema(state)))
        self._intend(_Intent(keep=True, episode=str(meta), files=[str(file) for file in files], tasks=len(state.tasks)))
        publish([self.root / file for file in files])
        if len(tasks) > len(state.tasks):
            self._write_tasks(tasks)
        publish([self.root / meta])
        added = self._derive(evolve(state, episodes=[*state.episodes, episode], tasks=tasks))
        delete([self.root / layout.INTENT])
        return self._remember(added)

    def remove_last(self, state: State) -> State:
        """Take back the last episode, which has files of its own, and the task that only it had."""
        *rest, last = state.episodes
        used = {task for episode in rest for task in episode.tasks}
        only_its = [task for task in last.tasks if task not in used]
        is_newest = only_its == [state.tasks[-1]]
        meta = layout.episodes_path(last.meta)
        files = [str(file) for file in state.files_of(last)]
        intent = _Intent(keep=False, episode=str(meta), files=files, tasks=len(state.tasks) - is_newest)
        self._intend(intent)
        return self._remember(self._drop(intent))

    def _intend(self, intent: _Intent) -> None:
        replace(self.root / layout.INTENT, _to_json(asdict(intent)))

    def _drop(self, intent: _Intent) -> State:
        """Delete an episode, or what there is of it. The row goes first: what has no row is no longer in the dataset."""
        delete([self.root / intent.episode])
        delete([self.root / file for file in intent.files])
        state = self._read()
        if len(state.tasks) > intent.tasks:
            state = evolve(state, tasks=state.tasks[: intent.tasks])
            self._write_tasks(state.tasks)
        state = self._derive(state)
        delete([self.root / layout.INTENT])
        return state

    def _schema(self, state: State) -> pa.Schema:
        """As the dataset has it: readers want one schema of all episodes files."""
        first = min(self.root.glob(EPISODES_GLOB), default=None)
        return episodes_schema(state.features) if first is None else read_schema(first).remove_metadata()

    def _write_tasks(self, tasks: Sequence[str]) -> None:
        path = self.root / layout.TASKS
        if not tasks:
            delete([path])
            return
        with writing(path) as stream:
            write_parquet(stream, tasks_table(tasks))
        publish([path])

    def _derive(self, state: State) -> State:
        """Write stats.json and info.json as they follow from the episodes."""
        totals = {
            "total_episodes": len(state.episodes),
            "total_frames": state.frames,
            "total_tasks": len(state.tasks),
            "splits": {**state.info["splits"], "train": f"0:{len(state.episodes)}"},
        }
        own = {OWN: {"meaning": state.meaning}} if state.meaning else {}
        state = evolve(state, info={**state.info, **totals, **own})
        if state.episodes:
            stats = by_feature([feature.name for feature in state.features], [episode.stats for episode in state.episodes])
            replace(self.root / layout.STATS, _to_json(_stats_json(stats)))
        else:
            delete([self.root / layout.STATS])
        self._write_info(state.info)
        return state

    def _write_info(self, info: Mapping[str, Any]) -> None:
        replace(self.root / layout.INFO, _to_json(info))


def _stats_json(stats: Mapping[str, Stats]) -> dict[str, Any]:
    return {feature: {name: stats_to_json(name, values) for name, values in of.items()} for feature, of in stats.items()}


def _to_json(value: Any) -> bytes:
    return json.dumps(value, indent=4, ensure_ascii=False).encode()
