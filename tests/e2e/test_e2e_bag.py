"""From two bags of servos to a demonstration, and to a policy that is corrected, as somebody types it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e_bag import NewArm, calibrated, flags, new_arms, plug_in, terminal, told
from e2e_checkpoint import SIZE, write_policy
from e2e_session import Terminal, until

from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import MjpegServer
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_so.motors import JOINTS

SLOW = 12
"""Steps a tick: about a degree."""


def apart(leader: NewArm, follower: NewArm) -> float:
    """The farthest of the body joints, degrees."""
    return max(abs(leader.degrees(joint) - follower.degrees(joint)) for joint in JOINTS[:-1])


CAMERA = OpenCVConfig(index_or_path="", width=SIZE[1], height=SIZE[0], fps=30)


@pytest.fixture
def camera() -> Iterator[str]:
    """The flag of a camera that looks at the arm."""
    with MjpegServer(CAMERA) as server:
        fields = f"index_or_path: '{server.url}', width: {CAMERA.width}, height: {CAMERA.height}, fps: {CAMERA.fps}"
        yield f"--robot.cameras={{front: {{type: opencv, {fields}}}}}"


@pytest.fixture
def arms(tmp_path: Path) -> Iterator[list[NewArm]]:
    with new_arms(tmp_path, "follower", "leader") as arms:
        yield arms


def set_up(arm: NewArm, device: str) -> None:
    with terminal("setup-motors", *flags(arm, device)) as screen:
        for joint in reversed(JOINTS):
            plug_in(screen, arm, joint)
        screen.expect("check them together")
        screen.expect(" > ")
        arm.chain_up()
        screen.press("enter")
        assert screen.ended() == 0


def stays_stiff(screen: Terminal) -> int:
    """At the end of a session."""
    screen.phase("ended")
    return screen.answer_torque()


@pytest.mark.timeout(240)
def test_from_a_bag_of_servos_to_a_correction(arms: list[NewArm], camera: str, tmp_path: Path) -> None:
    follower, leader = arms
    both = [*flags(follower), *flags(leader, "teleop")]
    set_up(follower, "robot")
    set_up(leader, "teleop")
    with terminal("teleoperate", *both) as screen:
        told(screen, "no usable calibration; run: hilt calibrate --robot.type=so101_follower")
        assert screen.ended() == 2
    with terminal("calibrate", *both) as screen:
        calibrated(screen, follower)
        calibrated(screen, leader)
        told(screen, "Lay both into the same pose")
        for arm in arms:
            arm.pose(shoulder_lift=-0.4, elbow_flex=0.4)
        until(lambda: not any(arm.plant.moving for arm in arms), "both are folded", screen=screen)
        screen.press("enter")
        told(screen, "Leader and robot agree on every joint")
        assert screen.ended() == 0
    with terminal("teleoperate", *both) as screen:
        screen.phase("ready")
        screen.press("enter")
        screen.phase("human")
        leader.pose(SLOW, shoulder_pan=0.2, shoulder_lift=-0.2, elbow_flex=0.2)
        until(lambda: abs(follower.degrees("shoulder_pan") - 43.6) < 2, "the follower follows", screen=screen)
        screen.press("esc")
        assert stays_stiff(screen) == 0
    root = tmp_path / "dataset"
    task = ["--dataset.repo_id=bench/first", f"--dataset.root={root}", "--dataset.single_task=Wave", "--dataset.num_episodes=1"]
    with terminal("record", *both, *task) as screen:
        screen.phase("ready")
        screen.press("enter")
        screen.phase("human")
        leader.pose(SLOW, shoulder_pan=-0.1)
        until(lambda: abs(follower.degrees("shoulder_pan") + 21.8) < 2, "the follower follows", screen=screen)
        screen.press("s")
        screen.phase("saved")
        assert stays_stiff(screen) == 0
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    assert dataset.check() == []
    assert np.ptp(dataset.episode(0)["observation.state"][:, 0]) > 50
    dataset.close()
    with terminal("replay", *flags(follower), "--dataset.repo_id=bench/first", f"--dataset.root={root}", "--episode=0") as screen:
        screen.phase("ready")
        screen.press("enter")
        screen.phase("autonomous")
        until(lambda: abs(follower.degrees("shoulder_pan") + 21.8) < 3, "the follower repeats it", screen=screen)
        assert stays_stiff(screen) == 0
    root = tmp_path / "corrected"
    policy = write_policy(tmp_path / "policy", ("front",))
    task = ["--dataset.repo_id=bench/second", f"--dataset.root={root}", "--dataset.single_task=Wave", "--dataset.num_episodes=1"]
    with terminal("collect", *both, camera, f"--policy.path={policy}", *task) as screen:
        screen.phase("ready")
        screen.press("enter")
        screen.phase("autonomous")
        until(lambda: abs(follower.degrees("wrist_flex") - 55) < 25, "the policy has bent the wrist", screen=screen)
        until(lambda: apart(leader, follower) < 5, "the leader is where the follower is", screen=screen)
        screen.press("space")
        screen.phase("paused")
        screen.press("c")
        screen.phase("human")
        leader.pose(SLOW, shoulder_pan=0.2)
        until(lambda: abs(follower.degrees("shoulder_pan") - 43.6) < 2, "the follower follows", screen=screen)
        screen.press("p")
        screen.phase("autonomous")
        until(lambda: abs(follower.degrees("shoulder_pan")) < 30, "the policy goes on", screen=screen)
        screen.press("s")
        screen.phase("saved")
        assert stays_stiff(screen) == 0
    dataset = Dataset(root)
    assert dataset.check() == []
    episode = dataset.episode(0)
    assert {bool(row) for row in episode["intervention"]} == {True, False}
    assert np.abs(np.diff(episode["hilt.sent"], axis=0)).max() <= 180 / 30 + 1e-3
    dataset.close()
