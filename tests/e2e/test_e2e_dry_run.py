"""`--dry-run`: says what the session would do, or what it would say; opens no device and moves nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_checkpoint import write_policy
from e2e_commands import TASK, collect, instead, record, scripted, teleoperate, without
from e2e_session import run
from e2e_wire import Wire

from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.recorder import build
from hilt_robot_emulated.bench import Bench

Change = Callable[[list[str]], list[str]]


@pytest.fixture
def command(bench: Bench, policy: Path, tmp_path: Path) -> list[str]:
    return collect(bench, tmp_path / "dataset", policy, *scripted(bench, "intervene"), "--limits={gripper.pos: {velocity: 100}}")


def test_the_plan_is_said_and_nothing_is_touched(command: list[str], bench: Bench, tmp_path: Path) -> None:
    before = bench.state()["torque"]
    with Wire(bench) as wire:
        ran = run([*command, "--dry-run"])
        assert wire.silent
    assert ran.returncode == 0, ran.stderr
    assert bench.state()["torque"] == before
    assert not (tmp_path / "dataset").exists()
    said = " ".join(ran.stdout.split())
    for words in (
        f"robot so101_follower (port {bench.robot_port}",
        f"leader so101_leader (port {bench.leader_port}",
        "follows the robot while it does not lead",
        "front: ",
        "160x120",
        "inputs scripted",
        "policy act from ",
        f"dataset {tmp_path / 'dataset'} (lerobot): new, 50 to record",
        f"task {TASK!r}, at most 60 s an episode and 60 s a reset",
        "rates 30 frames and 60 commands a second",
    ):
        assert words in said
    rows = {line.split()[0]: line.split() for line in ran.stdout.splitlines() if ".pos" in line}
    assert rows["gripper.pos"][4:] == ["100", "3000", "15", "station"]
    assert rows["elbow_flex.pos"][4:] == ["180", "900", "15", "plugin"]
    assert ran.stderr == "hilt: dry run: valid, as far as can be told without asking a device; nothing was touched\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda given: instead(given, "policy.path", "/nowhere"),
        lambda given: [*given, "--dataset.fps=15"],
        lambda given: instead(given, "robot.port", "/dev/ttyNOWHERE"),
        lambda given: without(given, "teleop.type", "teleop.port", "teleop.id", "teleop.calibration_dir"),
    ],
    ids=["checkpoint", "rate", "stop", "leader"],
)
def test_a_broken_plan_says_what_the_session_says(command: list[str], change: Change) -> None:
    wrong = change(command)
    dry, real = run([*wrong, "--dry-run"]), run(wrong)
    assert (dry.returncode, dry.stdout) == (2, "")
    assert dry.stderr == real.stderr
    assert real.returncode == 2


def test_a_checkpoint_of_another_robot(command: list[str], tmp_path: Path) -> None:
    other = write_policy(tmp_path / "other", ("front", "wrist"), tuple(f"left_joint_{n}.pos" for n in range(1, 7)))
    ran = run([*instead(command, "policy.path", other), "--dry-run"])
    assert ran.returncode == 2
    assert "its action has left_joint_1.pos, left_joint_2.pos" in ran.stderr


def test_how_many_episodes_there_are(bench: Bench) -> None:
    golden = Path(__file__).parents[2] / "../shared/golden/lerobot_v3_dataset"
    if not golden.is_dir():
        pytest.skip("needs ../shared/golden/lerobot_v3_dataset")
    assert build(DatasetConfig(repo_id="me/x", root=str(golden))).episodes() == 3
    ran = run([*record(bench, golden, *scripted(bench, "demonstrate")), "--dry-run"])
    assert ran.returncode == 2
    assert "holds 3 episodes already; append with --dataset.resume=true" in ran.stderr


def test_nothing_is_said_of_datasets_where_none_is_recorded(bench: Bench) -> None:
    ran = run([*teleoperate(bench, *scripted(bench, "demonstrate")), "--dry-run"])
    assert ran.returncode == 0, ran.stderr
    assert not [line for line in ran.stdout.splitlines() if line.split()[:1] in (["dataset"], ["task"], ["policy"])]


def test_demonstrations_can_be_interpolated_too(bench: Bench, tmp_path: Path) -> None:
    command = record(bench, tmp_path / "dataset", *scripted(bench, "demonstrate"), "--interpolation_multiplier=3")
    ran = run([*command, "--dry-run"])
    assert ran.returncode == 0, ran.stderr
    assert "30 frames and 90 commands a second" in ran.stdout
