"""The recorder: logs of episodes -> a LeRobotDataset v3.0, one file of each kind an episode."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from hilt.log import EpisodeLog
from hilt_hooks import ConfigError, RecordedEpisode
from hilt_recorder_lerobot import layout
from hilt_recorder_lerobot.episode import EpisodeRefused, identity, name_of
from hilt_recorder_lerobot.features import Feature, with_video_info
from hilt_recorder_lerobot.files import delete, replace
from hilt_recorder_lerobot.fit import Declaration, differences, problems_of
from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.recorded import recorded_episode
from hilt_recorder_lerobot.store import State, Store, new_info, read_state
from hilt_recorder_lerobot.tables import Episode
from hilt_recorder_lerobot.video import VideoProblem
from hilt_recorder_lerobot.writing import Draft, write_draft

_REPO_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_MEGABYTE = 2**20


def build(config: DatasetConfig) -> "LeRobotRecorder":
    """Raises ConfigError for a name that is none."""
    if not _REPO_ID.fullmatch(config.repo_id):
        raise ConfigError(
            f"dataset.repo_id: {config.repo_id!r} is no name; write <owner>/<name> in letters, digits, '-', '_', '.'"
        )
    return LeRobotRecorder(config)


class LeRobotRecorder:
    """Implements `hilt_hooks.Recorder`. Several may work on one dataset, one after the other."""

    def __init__(self, config: DatasetConfig) -> None:
        self.config = config
        self.root = config.folder
        self._store = Store(self.root)

    def validate(self, columns: Mapping[str, Any]) -> None:
        """columns: the header of the logs that will come, as a dict; fps, robot_type, columns and cameras are looked at."""
        declaration = Declaration.of(columns)
        problems = list(problems_of(declaration))
        if self.config.fps != declaration.fps:
            problems.append(f"dataset.fps: {self.config.fps}, but the session runs at {declaration.fps}; make them equal")
        state = read_state(self.root, stats=False)
        if state is not None and state.episodes:
            if not self.config.resume:
                problems.append(
                    f"dataset.repo_id: {self.root} holds {len(state.episodes)} episodes already; "
                    "append with --dataset.resume=true, or take another name"
                )
            problems += differences(declaration, state, self.config.codec)
        if problems:
            raise ConfigError(problems)

    def episodes(self) -> int:
        """How many episodes the dataset has; 0 if there is none."""
        state = read_state(self.root, stats=False)
        return len(state.episodes) if state is not None else 0

    def read_episode(self, index: int) -> RecordedEpisode:
        """Actions and states of an episode. Raises ConfigError where it, or the names of its channels, are missing."""
        return recorded_episode(self.root, index)

    def add(self, episode: Path) -> None:
        """Append an episode. Raises EpisodeRefused, and notes it in `hilt/kept_out.json`, where the log contradicts itself.

        Raises ConfigError where the log does not fit the dataset.
        """
        log = EpisodeLog(episode)
        name = name_of(log)
        with self._store.opened() as state:
            if state is not None and any(known.log == name for known in state.episodes):
                return
            with self._kept_out_on_failure(name):
                self._append(self._fitting(state, log), log)

    def _fitting(self, state: State | None, log: EpisodeLog) -> State:
        """The dataset that the log is to be appended to, which may be a new one."""
        declaration = Declaration.of(log.header)
        problems = list(problems_of(declaration))
        if state is not None and state.episodes:
            problems += differences(declaration, state, self.config.codec)
        if problems:
            raise ConfigError([f"{log.path}: {problem}" for problem in problems])
        if state is not None and state.episodes:
            return state
        features = declaration.features
        return State(new_info(declaration.fps, declaration.robot_type, features), features, [], [])

    def _append(self, state: State, log: EpisodeLog) -> None:
        if log.outcome is None or not log.outcome.saved:
            raise EpisodeRefused(f"{log.path}: the log was not finished as saved; recover it first")
        draft = write_draft(self.root, state, log, self.config)
        if not state.episodes:
            state = self._store.create(_with_videos(state, draft))
        self._store.add(state, draft.episode, draft.tasks)

    @contextmanager
    def _kept_out_on_failure(self, name: str) -> Iterator[None]:
        kept_out = self._kept_out()
        try:
            yield
        except (EpisodeRefused, VideoProblem) as error:
            self._write_kept_out({**kept_out, name: str(error)})
            raise
        if kept_out.pop(name, None) is not None:
            self._write_kept_out(kept_out)

    def _kept_out(self) -> dict[str, str]:
        """Log -> why its episode is not in the dataset."""
        path = self.root / layout.KEPT_OUT
        return dict(json.loads(path.read_bytes())) if path.exists() else {}

    def _write_kept_out(self, kept_out: Mapping[str, str]) -> None:
        path = self.root / layout.KEPT_OUT
        if kept_out:
            replace(path, json.dumps(kept_out, indent=4, ensure_ascii=False).encode())
        else:
            delete([path])

    def remove(self, episode: Path) -> None:
        """Take back the last episode. Raises ConfigError if this log's episode is there but is not the last one."""
        name = identity(episode)
        with self._store.opened() as state:
            found = next((known for known in state.episodes if known.log == name), None) if state is not None else None
            if state is None or found is None:
                return
            last = state.episodes[-1]
            if found is not last:
                raise ConfigError(
                    f"{episode}: is episode {found.index} of {self.root}; only the last one, {last.index}, can be taken back; "
                    "delete it from the finished dataset instead"
                )
            self._store.remove_last(state)

    def finish(self) -> dict[str, Any]:
        """Repair if need be, and say what the dataset holds. size_mb leaves out the logs."""
        with self._store.opened() as state:
            summary: dict[str, Any] = {"root": str(self.root), "repo_id": self.config.repo_id, "kept_out": self._kept_out()}
            episodes = state.episodes if state is not None else []
            summary |= {
                "episodes": len(episodes),
                "frames": state.frames if state is not None else 0,
                "tasks": list(state.tasks) if state is not None else [],
                "intervention_frames": sum(map(_intervention_frames, episodes)),
                "size_mb": round(_size(self.root) / _MEGABYTE, 3),
            }
        if self.config.push_to_hub:
            summary["next"] = self._upload_command()
        return summary

    def _upload_command(self) -> str:
        private = " --private" if self.config.private else ""
        return f"hf upload {self.config.repo_id} {self.root} --repo-type=dataset{private} --exclude='hilt/*'"


def _with_videos(state: State, draft: Draft) -> State:
    features: list[Feature] = with_video_info(state.features, draft.video_info)
    info = {**state.info, "features": {feature.name: feature.to_json() for feature in features}}
    return evolve(state, info=info, features=features)


def _intervention_frames(episode: Episode) -> int:
    stats = episode.stats.get("intervention")
    return round(float(stats["mean"][0] * stats["count"][0])) if stats else 0


def _size(root: Path) -> int:
    files = (path for folder in ("data", "meta", "videos") for path in (root / folder).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)
