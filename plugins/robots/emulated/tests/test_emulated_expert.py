"""The expert pushes the cube to the goal, in lock-step."""

import itertools

import numpy as np
import pytest

from hilt_robot_emulated.calibration import from_channels, to_channels
from hilt_robot_emulated.expert import CLEAR_HEIGHT, Expert
from hilt_robot_emulated.lockstep import LockStep, Moment, frames_of
from hilt_robot_emulated.world import REST


@pytest.fixture(scope="module")
def expert() -> Expert:
    return Expert()


def _play(world: LockStep, expert: Expert, seed: int) -> list[Moment]:
    moments = [world.reset(seed)]
    for action in frames_of(expert.push(moments[0].state), moments[0].robot):
        moments.append(world.step(action))
    return moments


@pytest.mark.parametrize("seed", range(12))
def test_one_push_brings_the_cube_to_the_goal(expert: Expert, seed: int) -> None:
    assert _play(LockStep(), expert, seed)[-1].success


def test_equal_seeds_give_equal_episodes(expert: Expert) -> None:
    world = LockStep()
    assert _play(world, expert, 7) == _play(world, expert, 7)


def test_an_idle_robot_runs_out_of_time() -> None:
    world = LockStep(max_steps=3)
    moment = world.reset(0)
    dones = [world.step(moment.robot).done for _ in range(3)]
    assert dones == [False, False, True]


def test_frames_keep_to_the_speed(expert: Expert) -> None:
    moment = LockStep().reset(2)
    path = expert.push(moment.state)
    frames = [moment.robot, *frames_of(path, moment.robot, fps=30.0)]
    steps = [max(abs(after[name] - before[name]) for name in after) for before, after in itertools.pairwise(frames)]
    assert max(steps) <= max(waypoint.speed for waypoint in path) / 30.0 + 1e-6


def test_home_lifts_a_low_arm_first(expert: Expert) -> None:
    low = expert.reach(np.array([0.22, 0.0, 0.012]), np.array([0.0, 1.0, 0.0]), np.array([0.0, -0.3, 0.3, 1.4, 0.0, 0.0]))
    path = expert.home(to_channels(low))
    assert len(path) == 2
    assert from_channels(path[-1].pose) == pytest.approx(REST.tolist())
    assert expert.tip(from_channels(path[0].pose))[2] == pytest.approx(CLEAR_HEIGHT, abs=0.005)


@pytest.mark.parametrize("point", [(0.2, -0.1, 0.012), (0.28, 0.1, 0.012), (0.22, 0.0, 0.09)])
def test_inverse_kinematics_reach_the_table(expert: Expert, point: tuple[float, float, float]) -> None:
    angles = expert.reach(np.array(point), np.array([0.0, 1.0, 0.0]), np.array([0.0, -0.3, 0.3, 1.4, 0.0, 0.0]))
    assert expert.tip(angles) == pytest.approx(point, abs=0.005)  # the fingers cannot point down everywhere: aim gives way
