"""The bench without wire, rendering and real time: a seeded world that steps as fast as the CPU goes."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from attrs import frozen

from hilt_robot_emulated.calibration import CHANNELS, from_channels, to_channels
from hilt_robot_emulated.model import ARMS, LEADER, ROBOT, TIMESTEP_S
from hilt_robot_emulated.so101 import STALL_TORQUE
from hilt_robot_emulated.waypoint import Waypoint
from hilt_robot_emulated.world import REST, World


@frozen
class Moment:
    """What is true after a step. Poses: channel -> degrees or percent. cube, goal: x, y in m. done: success, or time is up."""

    robot: Mapping[str, float]
    leader: Mapping[str, float]
    cube: tuple[float, float]
    goal: tuple[float, float]
    success: bool
    done: bool

    @property
    def state(self) -> dict[str, list[float] | Mapping[str, float]]:
        """As `Expert.push` takes it, for an expert that drives the robot itself."""
        return {"cube": list(self.cube), "goal": list(self.goal), "leader": self.robot}


class LockStep:
    """Equal seeds and actions give equal moments, on one machine and MuJoCo version."""

    def __init__(self, fps: float = 30.0, max_steps: int = 450) -> None:
        self._world = World()
        self._steps_a_frame, self._max_steps = 1.0 / fps / TIMESTEP_S, max_steps
        self._frame = 0

    def reset(self, seed: int) -> Moment:
        """Both arms at rest with torque on, cube and goal where `seed` puts them."""
        self._world.reset(seed)
        self._frame = 0
        for arm in ARMS:
            self._drive(arm, to_channels(REST))
        return self._moment()

    def step(self, action: Mapping[str, float], leader: Mapping[str, float] | None = None) -> Moment:
        """One frame on. action: the robot's targets by channel; leader: the leader's, None to leave them as they are."""
        self._drive(ROBOT, action)
        if leader is not None:
            self._drive(LEADER, leader)
        done = round(self._frame * self._steps_a_frame)
        self._frame += 1
        self._world.step(round(self._frame * self._steps_a_frame) - done)
        return self._moment()

    def _drive(self, arm: str, pose: Mapping[str, float]) -> None:
        for joint, angle in enumerate(from_channels(pose)):
            self._world.drive(arm, joint, angle, STALL_TORQUE)

    def _moment(self) -> Moment:
        world = self._world
        success = world.success
        return Moment(
            robot=to_channels(world.angles(ROBOT)),
            leader=to_channels(world.angles(LEADER)),
            cube=(float(world.cube[0]), float(world.cube[1])),
            goal=(float(world.goal[0]), float(world.goal[1])),
            success=success,
            done=success or self._frame >= self._max_steps,
        )


def frames_of(path: Sequence[Waypoint], start: Mapping[str, float], fps: float = 30.0) -> Iterator[dict[str, float]]:
    """The targets, one a frame, of somebody who goes through `path` at its speeds."""
    here = np.array([start[name] for name in CHANNELS])
    for waypoint in path:
        there = np.array([waypoint.pose[name] for name in CHANNELS])
        count = max(1, int(np.ceil(np.abs(there - here).max() / waypoint.speed * fps)))
        for share in np.arange(1, count + 1) / count:
            yield dict(zip(CHANNELS, (here + share * (there - here)).tolist(), strict=True))
        here = there
