"""Logs as a session writes them, and the files that come of them. The rules for every recorder are at the end."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from hilt.config.fields import lacking_episode_options
from hilt.ipc.messages import Column, Header, Outcome, Row
from hilt.log import EpisodeWriter
from hilt_hooks import ConfigError, Recorder
from hilt_hooks.testing import Check, RecorderRig, check_recorder, conformance
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.plugin import hilt_recorders
from {{ cookiecutter.__module }}.recorder import {{ cookiecutter.__class }}Recorder

JOINTS = ["elbow.pos", "gripper.pos"]
COLUMNS = [
    Column(name="action", dtype="float32", shape=[2], names=JOINTS),
    Column(name="intervention", dtype="bool", shape=[1]),
    Column(name="hilt.source", dtype="int64", shape=[1], meaning={"policy": 1, "human": 2}),
    Column(name="hilt.success", dtype="int64", shape=[1], meaning={"unknown": -1, "failure": 0, "success": 1}),
]


def header(columns: list[Column] = COLUMNS) -> Header:
    return Header(
        session="20260101-000000",
        robot_type="acme_arm",
        fps=30,
        interpolation=1,
        state_names=JOINTS,
        action_names=JOINTS,
        leader_names=[],
        columns=columns,
        cameras=[],
        config={},
    )


def log(folder: Path, episode: int = 0, *, length: int = 3, saved: bool = True) -> Path:
    path = folder / "hilt" / "logs" / "20260101-000000" / f"episode-{episode:06d}.mcap"
    writer = EpisodeWriter(path, header(), episode=episode, task="Pick", started_ns=0)
    for frame in range(length):
        values: dict[str, Any] = {
            "action": [frame / 2, 7.0],
            "intervention": [frame > 1],
            "hilt.source": [1 + (frame > 1)],
            "hilt.success": [-1],
        }
        writer.row(Row(frame=frame, time_ns=frame, values=values), {})
    return writer.close(Outcome(saved=saved, success=True))


@pytest.fixture
def recorder(tmp_path: Path) -> {{ cookiecutter.__class }}Recorder:
    return {{ cookiecutter.__class }}Recorder({{ cookiecutter.__class }}Config(root=tmp_path))


def test_an_episode_becomes_a_table(recorder: {{ cookiecutter.__class }}Recorder, tmp_path: Path) -> None:
    assert isinstance(recorder, Recorder)
    recorder.add(log(tmp_path))
    with (tmp_path / "episodes" / "20260101-000000-episode-000000.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["frame", "action.elbow.pos", "action.gripper.pos", "intervention", "hilt.source", "hilt.success"]
    assert [row["action.elbow.pos"] for row in rows] == ["0.0", "0.5", "1.0"]
    assert [row["hilt.source"] for row in rows] == ["policy", "policy", "human"]
    assert {row["hilt.success"] for row in rows} == {"success"}


def test_other_columns_than_those_that_are_there_are_refused(recorder: {{ cookiecutter.__class }}Recorder, tmp_path: Path) -> None:
    recorder.validate(msgspec.to_builtins(header()))
    assert not (tmp_path / "episodes").exists()
    recorder.add(log(tmp_path))
    recorder.validate(msgspec.to_builtins(header()))
    other = [*COLUMNS[1:], Column(name="weight", dtype="float32", shape=[1])]
    with pytest.raises(ConfigError) as caught:
        recorder.validate(msgspec.to_builtins(header(other)))
    assert "no column 'weight'" in str(caught.value)
    assert "has 'action.elbow.pos', this session has not" in str(caught.value)


def test_a_session_can_run_its_episodes_by_the_configuration() -> None:
    assert lacking_episode_options({{ cookiecutter.__class }}Config) == []


def lengths(folder: Path) -> list[int]:
    """The rows of each table, as anybody reads them."""
    found = []
    for path in sorted((folder / "episodes").glob("*.csv")):
        with path.open(newline="") as file:
            found.append(len([*csv.DictReader(file)]))
    return found


@contextmanager
def rig() -> Iterator[RecorderRig]:
    """A dataset that is not there yet. `refused` is what an error must name, and the header that it is for."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        yield RecorderRig(
            config={{ cookiecutter.__class }}Config(root=folder),
            folder=folder,
            header=msgspec.to_builtins(header()),
            logs={log(folder, number, length=3 + number): 3 + number for number in range(2)},
            lengths=lambda: lengths(folder),
            refused={"action.elbow.pos": msgspec.to_builtins(header(COLUMNS[1:]))},
            unsaved=log(folder, 2, saved=False),
        )


@conformance(check_recorder(hilt_recorders()[0], rig, module="{{ cookiecutter.__module }}.plugin"))
def test_conformance(check: Check) -> None:
    check.run()
