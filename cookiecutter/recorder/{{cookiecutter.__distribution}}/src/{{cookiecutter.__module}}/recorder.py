"""Saved logs -> one CSV file an episode. Nothing is ever rewritten, so nothing can be lost half-way."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hilt.ipc.messages import Header
from hilt.log import EpisodeLog
from hilt_hooks import ConfigError, HiltError
from {{ cookiecutter.__module }} import table
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


class {{ cookiecutter.__class }}Recorder:
    """An episode is in the dataset once its file is in `episodes`, under the name of its session and log."""

    def __init__(self, config: {{ cookiecutter.__class }}Config) -> None:
        self._folder = config.folder / "episodes"

    def validate(self, columns: Mapping[str, Any]) -> None:
        """columns: the header of the logs that will come. All files of a dataset have the same columns."""
        wanted = table.heading(msgspec.convert(columns, Header).columns)
        there = next(iter(self._files()), None)
        if there is None:
            return
        known = table.heading_of(there)
        missing = [f"dataset.root: {there} has no column {name!r}" for name in wanted if name not in known]
        surplus = [f"dataset.root: {there} has {name!r}, this session has not" for name in known if name not in wanted]
        if missing or surplus:
            raise ConfigError([*missing, *surplus, f"dataset.root: choose another folder than {self._folder.parent}"])

    def add(self, episode: Path) -> None:
        """Raises HiltError for a log that was not finished as saved."""
        target = self._target(episode)
        if target.exists():
            return
        log = EpisodeLog(episode)
        if log.outcome is None or not log.outcome.saved:
            raise HiltError(f"{episode}: was not finished as saved; it stays out of the dataset")
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".part")
        with draft.open("w", newline="", encoding="utf-8") as file:
            table.write(log, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)

    def remove(self, episode: Path) -> None:
        self._target(episode).unlink(missing_ok=True)

    def finish(self) -> dict[str, Any]:
        return {"folder": str(self._folder), "episodes": len(self._files())}

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.csv"))

    def _target(self, episode: Path) -> Path:
        """From the path alone: a log that has to be taken back may be gone."""
        return self._folder / f"{episode.parent.name}-{episode.stem}.csv"
