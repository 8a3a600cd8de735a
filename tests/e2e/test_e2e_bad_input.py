"""Bad input: one clear message, exit code 2, and nothing moved."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen
from e2e_checkpoint import write_policy
from e2e_commands import collect, instead, record, scripted, without
from e2e_session import Terminal, run
from e2e_wire import Wire

from hilt_robot_emulated.bench import Bench

NOWHERE = "/dev/ttyNOWHERE"


@frozen
class Place:
    """What commands are made from."""

    bench: Bench
    policy: Path
    folder: Path

    @property
    def record(self) -> list[str]:
        return record(self.bench, self.folder / "dataset", *scripted(self.bench, "demonstrate"))

    @property
    def collect(self) -> list[str]:
        return collect(self.bench, self.folder / "dataset", self.policy, *scripted(self.bench, "intervene"))

    def damaged_policy(self) -> Path:
        """A copy that was broken off."""
        copy = shutil.copytree(self.policy, self.folder / "damaged")
        weights = copy / "model.safetensors"
        os.truncate(weights, weights.stat().st_size // 2)
        return copy

    def other_policy(self) -> Path:
        return write_policy(self.folder / "other", ("front", "wrist"), tuple(f"left_joint_{n}.pos" for n in range(1, 7)))


@pytest.fixture
def place(bench: Bench, policy: Path, tmp_path: Path) -> Place:
    return Place(bench, policy, tmp_path)


@pytest.fixture
def wire(bench: Bench) -> Iterator[Wire]:
    with Wire(bench) as wire:
        yield wire


Make = Callable[[Place], list[str]]
OTHER = "{front: {type: opencv, index_or_path: /dev/video99, width: 320, height: 240, fps: 30}}"
WRONG_COMMANDS: dict[str, tuple[Make, str]] = {
    "unknown flag": (lambda at: [*at.collect, "--robot.prot=/dev/x"], "robot.prot: no such field; did you mean port?"),
    "wrong type": (
        lambda at: [*at.collect, "--dataset.num_episodes=many"],
        "dataset.num_episodes: expected a whole number, got 'many'",
    ),
    "too few commands a second": (
        lambda at: [*at.record, "--dataset.fps=2"],
        "fps: 2 Hz are 2 commands a second; at least 5 are needed",
    ),
    "flag given twice": (
        lambda at: [*at.collect, "--dataset.repo_id=another"],
        "dataset.repo_id: given twice ('bench/push', then 'another'); keep one",
    ),
    "limits of no channel": (
        lambda at: [*at.collect, "--limits={shoulder_pam.pos: {velocity: 10}, elbow_flex.pos: {lower: 10, upper: -10}}"],
        "limits.shoulder_pam.pos: the robot has no such channel; did you mean shoulder_pan.pos?",
    ),
    "no port": (lambda at: without(at.collect, "robot.port"), "robot.port: is required"),
    "unknown robot": (
        lambda at: instead(at.collect, "robot.type", "so101_folower"),
        "did you mean 'so101_follower'?",
    ),
    "unknown camera": (lambda at: instead(at.record, "robot.cameras", "{front: {type: opencvv}}"), "did you mean 'opencv'?"),
    "no task": (lambda at: without(at.record, "dataset.single_task"), "dataset.single_task: say what the robot does"),
    "no checkpoint": (lambda at: instead(at.collect, "policy.path", "/nowhere"), "/nowhere is no folder on this machine"),
    "checkpoint of another robot": (
        lambda at: instead(at.collect, "policy.path", at.other_policy()),
        "its action has left_joint_1.pos, left_joint_2.pos",
    ),
    "damaged weights": (
        lambda at: instead(at.collect, "policy.path", at.damaged_policy()),
        "model.safetensors is damaged",
    ),
    "cameras of another checkpoint": (
        lambda at: without(at.collect, "robot.cameras"),
        "it needs the camera 'front'; there are none",
    ),
    "another rate": (lambda at: [*at.collect, "--dataset.fps=15"], "it was trained at 30 frames a second, dataset.fps is 15"),
    "no stop input": (
        lambda at: instead(at.record, "robot.port", NOWHERE),
        "inputs: none of them can stop a real arm",
    ),
    "no terminal": (
        lambda at: without(at.record, "input.type", "input.bench", "input.script"),
        "keyboard: cannot open the terminal",
    ),
    "no script": (
        lambda at: instead(at.record, "input.script", "nope"),
        "script 'nope': neither one of demonstrate, intervene nor",
    ),
    "no pedal": (
        lambda at: [
            *record(at.bench, at.folder / "dataset"),
            "--input.type=pedal",
            f"--input.device_path={NOWHERE}",
            "--input.bindings={KEY_B: stop}",
        ],
        f"pedal: {NOWHERE} is not there; plug it in",
    ),
    "camera that does not open": (
        lambda at: instead(at.record, "robot.cameras", OTHER),
        "/dev/video99",
    ),
    "camera of another size": (
        lambda at: [word.replace('"width": 160', '"width": 640') for word in at.record],
        "the bench renders",
    ),
    "leader port that is not there": (
        lambda at: instead(at.record, "teleop.port", NOWHERE),
        f"{NOWHERE}: no such port",
    ),
    "one port for two": (
        lambda at: instead(at.record, "teleop.port", at.bench.robot_port),
        "give each device its own port",
    ),
    "no calibration": (
        lambda at: instead(at.record, "robot.id", "black"),
        "so101_follower 'black': no usable calibration; run: ",
    ),
}


@pytest.mark.parametrize(("make", "says"), WRONG_COMMANDS.values(), ids=[name.replace(" ", "-") for name in WRONG_COMMANDS])
def test_one_message_and_nothing_moved(place: Place, wire: Wire, make: Make, says: str) -> None:
    torque = place.bench.state()["torque"]
    ran = run(make(place))
    assert ran.returncode == 2, ran.stderr
    assert says in ran.stderr
    first, *rest = ran.stderr.splitlines()
    assert first.startswith("hilt: ")
    assert all(line.startswith("  ") for line in rest), "what belongs to the message is indented"
    assert "READY" not in ran.stdout
    assert "dataset" not in ran.stdout, "there is nothing to write"
    assert wire.silent
    assert place.bench.state()["torque"] == torque
    assert not (place.folder / "dataset" / "meta").exists()


def test_every_problem_at_once(place: Place) -> None:
    ran = run([*place.collect, "--dataset.num_episodes=many", "--polcy.path=x", "--teleop.use_degrees=maybe"])
    assert ran.returncode == 2
    assert "hilt: the configuration has 3 problems:" in ran.stderr
    for where in ("dataset.num_episodes", "polcy", "teleop.use_degrees"):
        assert re.search(rf"^  {where}: ", ran.stderr, re.MULTILINE)


def test_ports_that_are_not_there(place: Place, wire: Wire) -> None:
    """Typed at by a user, whose keyboard can stop a real arm: both ports are named, and which device each is for."""
    ports = [f"--{device}.port={NOWHERE}-{device}" for device in ("robot", "teleop")]
    command = [*without(record(place.bench, place.folder / "dataset"), "robot.port", "teleop.port"), *ports]
    with Terminal(command) as terminal:
        assert terminal.ended() == 2
        for device in ("robot", "teleop"):
            assert re.search(rf"^  - .*{NOWHERE}-{device}: no such port", terminal.text, re.MULTILINE)
    assert wire.silent
