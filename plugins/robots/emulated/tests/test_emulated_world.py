"""Servos, the hand and chance in the world, without a wire."""

import numpy as np
import pytest

from hilt_robot_emulated.model import LEADER, ROBOT
from hilt_robot_emulated.so101 import STALL_TORQUE
from hilt_robot_emulated.world import PUSH_DISTANCE, REST, World

UP = np.array([0.3, 0.2, -0.1, 0.6, 0.4, 0.3])


def _servo(world: World, arm: str, goal: np.ndarray | None, torque: float = STALL_TORQUE) -> None:
    for joint in range(6):
        world.drive(arm, joint, None if goal is None else float(goal[joint]), torque)


def test_servos_reach_their_goal() -> None:
    world = World()
    _servo(world, ROBOT, UP)
    world.step(1000)
    assert world.angles(ROBOT) == pytest.approx(UP, abs=np.radians(1.0))


def test_arms_rest_where_they_start() -> None:
    world = World()
    world.step(2000)
    for arm in (ROBOT, LEADER):
        assert world.angles(arm) == pytest.approx(REST, abs=np.radians(3.0))


def test_a_limp_arm_falls() -> None:
    world = World()
    _servo(world, ROBOT, UP)
    world.step(1000)
    height = world.data.site("robot/tip").xpos[2]
    _servo(world, ROBOT, None)
    world.step(1500)
    assert not any(world.torque_on(ROBOT))
    assert world.data.site("robot/tip").xpos[2] < height - 0.05


def test_the_gear_holds_the_light_joints_of_a_limp_arm() -> None:
    world = World()
    _servo(world, ROBOT, UP)
    world.step(1000)
    roll = world.angles(ROBOT)[4]
    _servo(world, ROBOT, None)
    world.step(1500)
    assert world.angles(ROBOT)[4] == pytest.approx(roll, abs=np.radians(5.0))


def test_the_hand_holds_and_moves_a_limp_leader() -> None:
    world = World()
    world.hand.move(world.angles(LEADER), [(UP, 1.0)])
    world.step(2000)
    assert not world.hand.moving
    assert world.angles(LEADER) == pytest.approx(UP, abs=np.radians(1.5))
    world.hand.release()
    world.step(1500)
    assert np.abs(world.angles(LEADER) - UP).max() > np.radians(5.0)


def test_the_hand_moves_no_faster_than_it_was_told() -> None:
    world = World()
    start = world.angles(LEADER)
    world.hand.move(start, [(UP, 0.5)])
    world.step(500)
    assert np.abs(world.hand.target - start).max() == pytest.approx(0.5, abs=0.01)


def test_the_hand_wins_over_a_mirroring_leader() -> None:
    world = World()
    _servo(world, LEADER, REST, 0.2 * STALL_TORQUE)
    world.hand.move(world.angles(LEADER), [(UP, 1.0)])
    world.step(2500)
    assert world.angles(LEADER) == pytest.approx(UP, abs=np.radians(2.5))


def test_a_seed_gives_the_same_world_again() -> None:
    worlds = [World(seed) for seed in (4, 4, 5)]
    for world in worlds:
        _servo(world, ROBOT, UP)
        world.step(700)
    first, same, other = (world.picture() for world in worlds)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(20))
def test_the_cube_starts_away_from_the_goal(seed: int) -> None:
    world = World(seed)
    assert PUSH_DISTANCE[0] <= np.linalg.norm(world.cube[:2] - world.goal) <= PUSH_DISTANCE[1]
    assert not world.success


def test_real_time_is_caught_up_but_not_raced_after() -> None:
    world = World()
    world.advance(1_000_000_000)
    world.advance(1_050_000_000)
    assert world.data.time == pytest.approx(0.05)
    world.advance(61_050_000_000)
    assert world.data.time == pytest.approx(0.25)
    world.advance(61_060_000_000)
    assert world.data.time == pytest.approx(0.26)
