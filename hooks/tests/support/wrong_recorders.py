"""Recorders with one fault each. The table in the test says which check must find it."""

import ctypes
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memory_recorders import JsonConfig, JsonRecorder, write_whole

from hilt_hooks import ConfigError, HiltError


class MakesFolderInInit(JsonRecorder):
    def __init__(self, config: JsonConfig) -> None:
        super().__init__(config)
        self.root.mkdir(exist_ok=True)


class OtherArgument(JsonRecorder):
    def add(self, log: Path) -> None:  # type: ignore[override]
        super().add(log)


class ValidateMakesFolder(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        super().validate(columns)
        self.root.mkdir(exist_ok=True)


class ValidateRefusesWhatIsThere(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        super().validate(columns)
        if self.names():
            raise ConfigError("there is a dataset already")


class AcceptsAnything(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        pass


class RefusesWithoutName(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        try:
            super().validate(columns)
        except ConfigError:
            raise ConfigError("the columns do not fit") from None


class AssertsColumns(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        try:
            super().validate(columns)
        except ConfigError as error:
            raise AssertionError(str(error)) from None


class RefusesInOneProblem(JsonRecorder):
    def validate(self, columns: Mapping[str, Any]) -> None:
        try:
            super().validate(columns)
        except ConfigError as error:
            raise ConfigError(f"the columns do not fit:\n{error}") from None


class DropsLastRow(JsonRecorder):
    def content_of(self, log: Path) -> dict[str, Any]:
        content = super().content_of(log)
        return {**content, "rows": content["rows"][:-1]}


class CountsAdds(JsonRecorder):
    """It looks at what is on disk only for the logs that it has not added itself."""

    def __init__(self, config: JsonConfig) -> None:
        super().__init__(config)
        self._added: set[Path] = set()

    def add(self, episode: Path) -> None:
        if episode in self._added:
            self.write_names([*self.names(), self.name_of(episode)])
        super().add(episode)
        self._added.add(episode)


class ForgetsOthers(JsonRecorder):
    """It looks at what is there once, when it adds for the first time, and not at all if that is not the first episode."""

    _known: list[str] | None = None

    def write_names(self, names: Sequence[str]) -> None:
        first = self._known is None and len(names) == 2 and len(set(names)) == 2
        self._known = list(names[-1:] if first else names)
        super().write_names(self._known)

    def remove(self, episode: Path) -> None:
        self._known = self.names()
        super().remove(episode)


class KnowsByPlace(JsonRecorder):
    """A log in another folder is another log."""

    def add(self, episode: Path) -> None:
        place = episode.parent.parent.name
        if place != "logs" and self.name_of(episode) in self.names():
            self.write_names([*self.names(), self.name_of(episode)])
        super().add(episode)


class WritesInPlace(JsonRecorder):
    """A list that is being written is no list."""

    def write_names(self, names: Sequence[str]) -> None:
        (self.root / "episodes.json").write_text(json.dumps(list(names)))


class NeverDoneTwice(JsonRecorder):
    """What was begun is never begun again."""

    def write_episode(self, name: str, content: Mapping[str, Any]) -> None:
        try:
            os.mkdir(self.root / f"{name}.lock")
        except FileExistsError:
            raise HiltError(f"{name}: is being added by another process") from None
        super().write_episode(name, content)
        os.rmdir(self.root / f"{name}.lock")


class WritesNatively(JsonRecorder):
    """As a library in C does; a file that is there is taken for whole."""

    def write_episode(self, name: str, content: Mapping[str, Any]) -> None:
        if self.path_of(name).exists():
            return
        libc = ctypes.CDLL(None)
        libc.fopen.restype = ctypes.c_void_p
        stream = ctypes.c_void_p(libc.fopen(os.fsencode(self.path_of(name)), b"w"))
        libc.fputs(json.dumps(content).encode(), stream)
        libc.fclose(stream)


class WritesAtExit(JsonRecorder):
    """The list is written when the recorder goes away, unless it goes away too suddenly."""

    _names: list[str] | None = None

    def names(self) -> list[str]:
        return super().names() if self._names is None else self._names

    def write_names(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def __del__(self) -> None:
        if self._names is not None:
            super().write_names(self._names)


class RemovesOnce(JsonRecorder):
    def remove(self, episode: Path) -> None:
        if self.name_of(episode) not in self.names():
            raise HiltError(f"{episode}: is not in the dataset")
        super().remove(episode)


class RemovesByLog(JsonRecorder):
    def remove(self, episode: Path) -> None:
        self.content_of(episode)
        super().remove(episode)


class KeepsFirstTask(JsonRecorder):
    def write_names(self, names: Sequence[str]) -> None:
        super().write_names(names)
        tasks = self.root / "tasks.json"
        if names and not tasks.exists():
            write_whole(tasks, self.episode(names[0])["task"])


class MarksLogs(JsonRecorder):
    def add(self, episode: Path) -> None:
        super().add(episode)
        episode.with_suffix(".added").touch()


class SpendsLogs(JsonRecorder):
    def remove(self, episode: Path) -> None:
        super().remove(episode)
        episode.unlink(missing_ok=True)


class SkipsDamaged(JsonRecorder):
    def add(self, episode: Path) -> None:
        if "no log" not in episode.read_text():
            super().add(episode)


class ListsBeforeReading(JsonRecorder):
    def add(self, episode: Path) -> None:
        if self.name_of(episode) not in self.names() and "no log" in episode.read_text():
            self.root.mkdir(exist_ok=True)
            self.write_episode(self.name_of(episode), {"columns": [], "rows": []})
            self.write_names([*self.names(), self.name_of(episode)])
            self.content_of(episode)
        super().add(episode)


class AddsUnsaved(JsonRecorder):
    def content_of(self, log: Path) -> dict[str, Any]:
        try:
            return super().content_of(log)
        except HiltError as error:
            if "not saved" not in str(error):
                raise
            return {"columns": [], "task": "", "rows": []}


class ValueErrorForUnsaved(JsonRecorder):
    def content_of(self, log: Path) -> dict[str, Any]:
        try:
            return super().content_of(log)
        except HiltError as error:
            raise ValueError(str(error)) from None


class SaysWhere(JsonRecorder):
    def finish(self) -> Mapping[str, Any]:
        return {"root": self.root}


class CountsOwnEpisodes(JsonRecorder):
    _added = 0

    def add(self, episode: Path) -> None:
        super().add(episode)
        self._added += 1

    def finish(self) -> Mapping[str, Any]:
        return {**super().finish(), "added": self._added}
