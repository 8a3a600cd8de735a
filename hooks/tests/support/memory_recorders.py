"""A recorder that keeps every rule: one JSON file an episode, and a list of them. Its logs are lines of JSON."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt_hooks import ConfigError, HiltError, RecorderDescriptor, option

HEADER: Mapping[str, Any] = {"session": "20260101-000000", "fps": 30, "columns": [{"name": "action"}, {"name": "intervention"}]}


@frozen(kw_only=True)
class JsonConfig:
    root: Path = option(help="Folder of the dataset")


def write_log(folder: Path, episode: int, *, frames: int, task: str, saved: bool = True) -> Path:
    """<folder>/<session>/episode-NNNNNN.log: the header, a line a frame, the outcome."""
    path = folder / str(HEADER["session"]) / f"episode-{episode:06d}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"action": [episode, frame], "intervention": frame > 2} for frame in range(frames)]
    lines = [{**HEADER, "task": task}, *rows, {"saved": saved}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def lengths(root: Path) -> list[int]:
    """The frames of each episode, from the files alone."""
    index = root / "episodes.json"
    names = json.loads(index.read_text()) if index.exists() else []
    return [len(json.loads((root / f"{name}.json").read_text())["rows"]) for name in names]


def write_whole(path: Path, content: object) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class JsonRecorder:
    """An episode is in the dataset once it stands in `episodes.json`."""

    def __init__(self, config: JsonConfig) -> None:
        self.root = config.root

    def validate(self, columns: Mapping[str, Any]) -> None:
        wanted = [column["name"] for column in columns["columns"]]
        for name in self.names():
            there = self.episode(name)["columns"]
            differing = sorted(set(wanted) ^ set(there))
            if differing:
                raise ConfigError([f"{column}: not in both, the dataset and the session" for column in differing])

    def add(self, episode: Path) -> None:
        name, names = self.name_of(episode), self.names()
        if name in names:
            return
        content = self.content_of(episode)
        self.root.mkdir(exist_ok=True)
        self.write_episode(name, content)
        self.write_names([*names, name])

    def remove(self, episode: Path) -> None:
        name, names = self.name_of(episode), self.names()
        if name in names:
            self.write_names([other for other in names if other != name])
            self.path_of(name).unlink()

    def finish(self) -> Mapping[str, Any]:
        return {"episodes": len(self.names()), "frames": sum(lengths(self.root))}

    def names(self) -> list[str]:
        index = self.root / "episodes.json"
        return list(json.loads(index.read_text())) if index.exists() else []

    def write_names(self, names: Sequence[str]) -> None:
        write_whole(self.root / "episodes.json", list(names))

    def episode(self, name: str) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.path_of(name).read_text())
        return content

    def write_episode(self, name: str, content: Mapping[str, Any]) -> None:
        write_whole(self.path_of(name), content)

    def path_of(self, name: str) -> Path:
        return self.root / f"{name}.json"

    def name_of(self, log: Path) -> str:
        return f"{log.parent.name}-{log.stem}"

    def content_of(self, log: Path) -> dict[str, Any]:
        try:
            header, *rows, outcome = map(json.loads, log.read_text().splitlines())
        except ValueError as error:
            raise HiltError(f"{log}: cannot be read: {error}") from error
        if not outcome["saved"]:
            raise HiltError(f"{log}: was not saved")
        return {"columns": [column["name"] for column in header["columns"]], "task": header["task"], "rows": rows}


def recorder(factory: str = "memory_recorders:JsonRecorder") -> RecorderDescriptor:
    return RecorderDescriptor(name="json", summary="JSON files", config=JsonConfig, factory=factory)
