"""Killed at any instant and called again, a recorder ends in the same dataset."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lerobot_logs import MakeLog
from lerobot_trees import tree

from hilt_hooks.testing.recorder_rig import Ended, other_process
from hilt_recorder_lerobot.plugin import DatasetConfig, hilt_recorders
from hilt_recorder_lerobot.reader import Dataset
from hilt_recorder_lerobot.recorder import build

KILLED = -signal.SIGKILL
Calls = list[tuple[str, Path]]
Order = Callable[..., Ended]


def config(root: Path) -> DatasetConfig:
    return DatasetConfig(repo_id="lab/killed", root=str(root), resume=True)


@pytest.fixture(scope="module")
def order() -> Iterator[Order]:
    """Let another process carry out calls on the dataset in a folder, and die before its n-th change to a file."""
    (recorder,) = hilt_recorders()
    with other_process() as other:
        yield lambda root, calls, kill_at=None: other.call(recorder.factory, config(root), root, calls, kill_at=kill_at)


def expect_same_end(tmp_path: Path, order: Order, before: Calls, calls: Calls, lose_log: bool) -> None:
    """Kill before every change that `calls` make; then call again, or if `lose_log`, only open: nothing half done remains."""
    base, undisturbed = tmp_path / "base", tmp_path / "undisturbed"
    base.mkdir()
    order(base, before)
    shutil.copytree(base, undisturbed)
    changes = len(order(undisturbed, calls).changes)
    ends = [tree(undisturbed), tree(base)]
    assert changes > 10
    for kill_at in range(changes):
        root = tmp_path / f"killed_at_{kill_at}"
        shutil.copytree(base, root)
        assert order(root, calls, kill_at).status == KILLED
        if lose_log:
            build(config(root)).finish()
            episodes = [{name: digest for name, digest in end.items() if "hilt/" not in name} for end in ends]
            assert {name: digest for name, digest in tree(root).items() if "hilt/" not in name} in episodes, kill_at
        else:
            assert order(root, calls).status == 0
            assert tree(root) == ends[0], kill_at
            assert Dataset(root).check() == []


@pytest.mark.parametrize("earlier", [0, 1])
def test_killed_while_adding(tmp_path: Path, log: MakeLog, order: Order, earlier: int) -> None:
    before: Calls = [("add", log(number, length=6)) for number in range(earlier)]
    calls: Calls = [("add", log(5, length=5, task="Stack the cube"))]
    expect_same_end(tmp_path, order, before, calls, lose_log=False)


def test_killed_while_taking_back(tmp_path: Path, log: MakeLog, order: Order) -> None:
    before: Calls = [("add", log(0, length=6)), ("add", log(1, length=5, task="Stack the cube"))]
    expect_same_end(tmp_path, order, before, [("remove", before[1][1])], lose_log=False)


def test_killed_and_never_called_again_leaves_the_episode_in_or_out(tmp_path: Path, log: MakeLog, order: Order) -> None:
    before: Calls = [("add", log(0, length=6))]
    calls: Calls = [("add", log(1, length=5, task="Stack the cube"))]
    expect_same_end(tmp_path, order, before, calls, lose_log=True)


def test_killed_at_random_instants(tmp_path: Path, log: MakeLog) -> None:
    """From outside, at any instant, within a write as well. A later process of several goes on where one was killed."""
    logs = [log(number, length=8, task=f"Task {number % 3}") for number in range(4)]
    calls: Calls = [("add", path) for path in logs]
    undisturbed, root = tmp_path / "undisturbed", tmp_path / "killed"
    wanted = build(config(undisturbed))
    for path in logs:
        wanted.add(path)
    deadlines = [0.02 * number for number in range(1, 13)]
    kills = sum(killed_after(delay, root, calls) for delay in deadlines)
    last = build(config(root))
    for path in logs:
        last.add(path)
    assert kills > 0
    assert tree(root) == tree(undisturbed)


def killed_after(delay_s: float, root: Path, calls: Calls) -> bool:
    """Start adding in another process and kill it that long after it began. Whether it was still at it."""
    program = (
        "import json, sys, pathlib; from hilt_recorder_lerobot.plugin import DatasetConfig;"
        "from hilt_recorder_lerobot.recorder import build; print('begin', flush=True);"
        f"recorder = build(DatasetConfig(repo_id='lab/killed', root={str(root)!r}, resume=True));"
        f"[recorder.add(pathlib.Path(log)) for log in {[str(log) for _, log in calls]!r}]"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        time.sleep(delay_s)
        process.kill()
        return process.wait() == KILLED
