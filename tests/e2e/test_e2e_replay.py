"""`hilt replay`: what was demonstrated once is done again by the arm alone."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import record, scripted
from e2e_driven import Driven
from e2e_session import Terminal, run
from e2e_wire import Wire
from numpy.typing import NDArray

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench


@pytest.fixture(scope="module")
def demonstrated(arms: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with one scripted demonstration."""
    root = tmp_path_factory.mktemp("demonstrated") / "dataset"
    ran = run(record(arms, root, *scripted(arms, "demonstrate"), "--dataset.num_episodes=1"))
    assert ran.returncode == 0, ran.stderr
    return root


def replay(bench: Bench, root: Path, *more: str) -> list[str]:
    """Without the leader, as LeRobot's command."""
    robot = [flag for flag in bench.flags if flag.startswith("--robot.")]
    return ["replay", *robot, "--dataset.repo_id=bench/push", f"--dataset.root={root}", "--episode=0", *more]


@frozen
class Replayed:
    screen: str
    dataset: Dataset
    original: Dataset


@pytest.fixture(scope="module")
def replayed(arms: Bench, demonstrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    """Replayed with a pause in the middle, recorded into a dataset of its own, on a terminal of 80 columns."""
    arms.hand.release()
    root = tmp_path_factory.mktemp("replayed") / "dataset"
    with Terminal(
        replay(arms, demonstrated, "--record.type=lerobot", "--record.repo_id=bench/again", f"--record.root={root}"), width=80
    ) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("autonomous")
        terminal.expect("going slowly to where the recording is")
        terminal.press("space")
        terminal.phase("paused")
        terminal.press("p")
        terminal.phase("autonomous")
        terminal.expect("Release the torque")
        terminal.press("n")
        terminal.press("enter")
        assert terminal.ended() == 0
        screen = terminal.text
    dataset, original = Dataset(root), Dataset(demonstrated)
    yield Replayed(screen, dataset, original)
    dataset.close()
    original.close()


APPROACHED = 2
"""Actions that are not played but approached: the first one, and the next one after the pause on the way to it."""


def rows(replayed: Replayed, column: str) -> NDArray[np.float64]:
    """Of the frames that the recording drives."""
    columns, source = replayed.dataset.episode(0), replayed.dataset.meaning["hilt.source"]
    assert set(columns["hilt.source"][:, 0]) == {source["replay"], source["ramp"], source["hold"]}
    return columns[column][columns["hilt.source"][:, 0] == source["replay"]]


def test_every_action_is_asked_for_again(replayed: Replayed) -> None:
    wanted = replayed.original.episode(0)["action"][APPROACHED:]
    np.testing.assert_allclose(rows(replayed, "action"), wanted, atol=1e-4)


def test_the_arm_takes_the_same_way(replayed: Replayed) -> None:
    was = replayed.original.episode(0)["observation.state"][APPROACHED:]
    assert np.abs(rows(replayed, "observation.state") - was)[15:].max() < 4


def test_the_operator_reads_how_far_it_is_before_anything_moves(replayed: Replayed) -> None:
    before, _, _ = replayed.screen.partition("AUTONOMOUS")
    assert "The recording starts elsewhere: " in before
    assert "30 \na second at most" in before


def test_the_operator_reads_how_far_the_arm_could_follow(replayed: Replayed) -> None:
    _, _, table = replayed.screen.partition("How far the arm was behind the recording")
    (row,) = [line.split() for line in table.splitlines() if line.startswith("elbow_flex.pos")]
    most, unit, _, _, mean, _, recorded, _ = row[1:]
    assert unit == "deg"
    assert 0 < float(mean) < float(most) < 15
    assert abs(float(most) - float(recorded)) < 4


def test_controls_of_a_leader_are_not_offered_without_one(replayed: Replayed) -> None:
    assert "take over" not in replayed.screen


def test_the_task_is_kept(replayed: Replayed) -> None:
    assert replayed.dataset.tasks == replayed.original.tasks


def test_without_its_player_the_arm_holds_until_the_episode_is_ended(arms: Bench, demonstrated: Path) -> None:
    arms.hand.release()
    command = replay(arms, demonstrated)
    with Wire(arms) as wire, Terminal(command) as terminal:
        session = Driven(arms, wire, terminal, command, demonstrated)
        terminal.phase("ready")
        session.starts()
        os.kill(terminal.member("replay"), signal.SIGKILL)
        terminal.expect("the replay process ended .* the arm holds")
        terminal.phase("paused")
        paused_ns = time.monotonic_ns()
        terminal.press("p")
        terminal.expect("not now: replay: the replay process ended")
        session.holds(paused_ns)
        assert terminal.leave() == 0


def test_a_dry_run_says_what_would_be_replayed(arms: Bench, demonstrated: Path) -> None:
    ran = run(replay(arms, demonstrated, "--speed=0.5", "--dry-run"))
    assert ran.returncode == 0, ran.stderr
    frames = len(Dataset(demonstrated))
    assert f"episode 0 of {demonstrated}, {(2 * frames - 1) / 30:.1f} s (Push the cube to the goal)" in " ".join(
        ran.stdout.split()
    )


def test_a_recording_of_other_joints_is_refused(arms: Bench, demonstrated: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(demonstrated, other, ignore=shutil.ignore_patterns("hilt"))
    info = json.loads((other / "meta/info.json").read_text())
    names = info["features"]["action"]["names"]
    info["features"]["action"]["names"] = [*names[:-1], "wrist_yaw.pos"]
    (other / "meta/info.json").write_text(json.dumps(info))
    with Wire(arms) as wire:
        ran = run(replay(arms, other, *scripted(arms, "demonstrate")))
        assert wire.silent
    assert ran.returncode == 2
    assert "was recorded with other channels: it has wrist_yaw.pos and lacks gripper.pos" in ran.stderr


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--dataset.episode=3"], "given, too"),
        (["--record.type=lerobot", "--record.repo_id=bench/push"], "is what is replayed; record into another dataset"),
        (["--speed=0"], "speed"),
        (["--input.type=keyboard"], "terminal"),
    ],
)
def test_what_is_wrong_is_said_before_anything_moves(arms: Bench, demonstrated: Path, more: list[str], says: str) -> None:
    recorded = [f"--record.root={demonstrated}"] if "--record.repo_id=bench/push" in more else []
    with Wire(arms) as wire:
        ran = run(replay(arms, demonstrated, *more, *recorded))
        assert wire.silent
    assert ran.returncode == 2
    assert says in ran.stderr
