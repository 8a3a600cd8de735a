"""The power cut that benchmarks are made with, and what it leaves of logs and datasets when it comes at any instant."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from power_life import HEADER, ROWS, dataset, log_of

from benchmarks.kills.power import Disk
from benchmarks.kills.synced.sitecustomize import append, note_file, note_folder
from hilt.log import EpisodeLog, unfinished
from hilt_recorder_lerobot.reader import Dataset

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL
Jobs = list[tuple[str, int]]
Order = Callable[[Disk, Jobs, int | None], dict[str, Any]]


@pytest.fixture(scope="module")
def order() -> Iterator[Order]:
    """Let another process work on a disk, and die before its n-th change to it."""
    command = [sys.executable, str(Path(__file__).with_name("power_life.py"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, answers = process.stdin, process.stdout

        def give(disk: Disk, jobs: Jobs, kill_at: int | None = None) -> dict[str, Any]:
            orders.write(json.dumps({"noted": disk.noted, "do": jobs, "kill_at": kill_at}) + "\n")
            orders.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield give
        orders.close()


def sync(disk: Disk, path: Path) -> None:
    """As a process does that is followed."""
    if path.is_dir():
        append(f"{disk.noted}/notes.jsonl", note_folder(str(path), f"{disk.noted}/kept"))
    else:
        with open(path, "rb") as file:
            append(f"{disk.noted}/notes.jsonl", note_file(file.fileno()))


def cuts(make: Callable[[Disk], None], folder: Path, number: int = 100) -> Iterator[Path]:
    """The root of a disk after a cut, again and again."""
    for seed in range(number):
        disk = Disk(folder / str(seed))
        make(disk)
        disk.cut(random.Random(seed))
        yield disk.root


def test_what_was_synced_stays(tmp_path: Path) -> None:
    def make(disk: Disk) -> None:
        (disk.root / "a").write_bytes(b"synced")
        sync(disk, disk.root / "a")
        sync(disk, disk.root)
        with open(disk.root / "a", "ab") as file:
            file.write(b" not synced")

    found = {(root / "a").read_bytes() for root in cuts(make, tmp_path)}
    assert all(content.startswith(b"synced") for content in found)
    assert {b"synced", b"synced not synced"} < found
    assert any(content.endswith(b"\0") for content in found)


def test_a_rename_is_done_or_not(tmp_path: Path) -> None:
    def make(disk: Disk) -> None:
        for name in ("new", "old"):
            (disk.root / name).write_bytes(name.encode())
            sync(disk, disk.root / name)
        sync(disk, disk.root)
        (disk.root / "new").replace(disk.root / "old")

    found = [{path.name: path.read_bytes() for path in root.iterdir()} for root in cuts(make, tmp_path)]
    assert {"old": b"new"} in found
    assert {"old": b"old", "new": b"new"} in found
    assert all(each in ({"old": b"new"}, {"old": b"old", "new": b"new"}) for each in found)


def test_what_was_made_and_what_was_deleted_may_be_as_before(tmp_path: Path) -> None:
    def make(disk: Disk) -> None:
        (disk.root / "deleted").write_bytes(b"1")
        sync(disk, disk.root / "deleted")
        sync(disk, disk.root)
        (disk.root / "deleted").unlink()
        (disk.root / "made" / "in it").mkdir(parents=True)

    found = {tuple(sorted(path.name for path in root.iterdir())) for root in cuts(make, tmp_path)}
    assert found == {(), ("deleted",), ("made",), ("deleted", "made")}


def test_a_second_cut_takes_nothing_of_what_the_first_has_left(tmp_path: Path) -> None:
    taken: list[str] = []
    for seed in range(20):
        disk = Disk(tmp_path / str(seed))
        (disk.root / "a").write_bytes(b"12345")
        taken += disk.cut(random.Random(seed))
        left = {path: path.read_bytes() for path in disk.root.iterdir()}
        assert all(disk.cut(random.Random(again)) == [] for again in range(20))
        assert {path: path.read_bytes() for path in disk.root.iterdir()} == left
    assert taken


def check_cut_anywhere(tmp_path: Path, order: Order, before: Jobs, jobs: Jobs, rounds: int, stride: int) -> None:
    """Cut the power before changes that `jobs` make. What was said to be done is there after the next start, whole."""
    undisturbed = Disk(tmp_path / "undisturbed")
    order(undisturbed, before, None)
    changes = order(undisturbed, jobs, None)["seen"]
    assert changes > stride
    again: Jobs = [("recover", 0), ("add", 0), ("add", 1)]
    for round_, kill_at in product(range(rounds), range(0, changes, stride)):
        disk = Disk(tmp_path / f"{kill_at}-{round_}")
        order(disk, before, None)
        answer = order(disk, jobs, kill_at)
        assert answer["status"] == KILLED
        where = f"before change {kill_at}, round {round_}: {disk.cut(random.Random(1000 * round_ + kill_at))}"
        assert order(disk, again, None)["status"] == 0, where
        done = [*before, *jobs[: answer["done"]]]
        check_whole(disk.root, sum(what in ("record", "sync") for what, _ in done), where)


def check_whole(disk: Path, episodes: int, where: str) -> None:
    assert unfinished(log_of(disk, 0).parent) == [], where
    for number in range(episodes):
        assert len(list(EpisodeLog(log_of(disk, number)).rows())) == ROWS, where
    if not episodes and not (dataset(disk) / "meta").exists():
        return
    found = Dataset(dataset(disk))
    assert found.check() == [], where
    names = [f"{HEADER.session}/episode-{number:06d}" for number in range(episodes)]
    assert [episode.log for episode in found.episodes][:episodes] == names, where
    assert all(episode.length == ROWS for episode in found.episodes[:episodes]), where
    found.close()


ANYWHERE = pytest.param(3, 1, marks=[pytest.mark.long, pytest.mark.timeout(1200)])


@pytest.mark.parametrize(("rounds", "stride"), [(1, 15), ANYWHERE], ids=["here-and-there", "anywhere"])
@pytest.mark.parametrize(
    ("before", "jobs"),
    [
        ([], [("record", 0), ("add", 0)]),
        ([("record", 0), ("add", 0)], [("record", 1), ("add", 1)]),
        ([("sync", 0)], [("recover", 0), ("add", 0)]),
    ],
    ids=["first", "second", "recovered"],
)
def test_a_power_cut_at_any_instant(tmp_path: Path, order: Order, before: Jobs, jobs: Jobs, rounds: int, stride: int) -> None:
    """An episode that was called saved, or whose log was synced, is in the dataset after the next start; the dataset is whole."""
    check_cut_anywhere(tmp_path, order, before, jobs, rounds, stride)


def test_a_recovered_log_is_durable_before_the_cut_off_one_goes(tmp_path: Path, order: Order) -> None:
    """The power is cut after both, and before what follows has made them durable."""
    undisturbed = Disk(tmp_path / "undisturbed")
    order(undisturbed, [("sync", 0)], None)
    last = order(undisturbed, [("recover", 0)], None)["seen"] - 1
    for seed in range(12):
        disk = Disk(tmp_path / str(seed))
        order(disk, [("sync", 0)], None)
        assert order(disk, [("recover", 0)], last)["status"] == KILLED
        disk.cut(random.Random(seed))
        assert log_of(disk.root, 0).exists() or unfinished(log_of(disk.root, 0).parent), seed
