"""The world of the bench: MuJoCo, stepped in real time or as fast as the CPU goes."""

from typing import Any

import mujoco
import numpy as np
from attrs import frozen

from hilt_hooks import Floats
from hilt_robot_emulated.calibration import to_channels
from hilt_robot_emulated.hand import Hand
from hilt_robot_emulated.model import ARMS, CUBE_HALF, HAND_TORQUE, LEADER, TIMESTEP_S, build_model
from hilt_robot_emulated.so101 import JOINTS

REST: Floats = np.array([0.0, -1.7, 1.65, 1.0, 0.0, 0.0])
"""Folded, resting on its stops: a limp arm stays here. rad, in joint order."""

CUBE_AREA = ((0.20, 0.27), (-0.10, 0.10))
GOAL_AREA = ((0.20, 0.27), (-0.10, 0.10))
PUSH_DISTANCE = (0.07, 0.16)
"""How far the cube may lie from the goal at the start, m."""
SUCCESS_DISTANCE = 0.02

_BATCH = 5
_STEP_NS = round(TIMESTEP_S * 1e9)
_CATCH_UP = 100
"""Steps. A process that was stopped for longer than these 0.2 s loses the time instead of racing after it."""


@frozen(eq=False)
class Arm:
    """Where an arm's joints are in the arrays of MuJoCo."""

    joints: Any
    velocities: Any
    drives: Any


def _arm(model: Any, name: str, drives: str) -> Arm:
    joints = [model.joint(f"{name}/{joint}") for joint in JOINTS]
    return Arm(
        joints=np.array([joint.qposadr[0] for joint in joints]),
        velocities=np.array([joint.dofadr[0] for joint in joints]),
        drives=np.array([model.actuator(f"{drives}/{joint}").id for joint in JOINTS]),
    )


class World:
    """Two arms, a cube and a goal. Angles in rad, positions in m in the frame of the robot's base. Owned by one thread."""

    def __init__(self, seed: int = 0) -> None:
        self.model = build_model()
        self.data = mujoco.MjData(self.model)
        self.arms = {name: _arm(self.model, name, name) for name in ARMS}
        self.hand = Hand()
        self._hand_drives = _arm(self.model, LEADER, "hand").drives
        self._cube = self.model.joint("cube").qposadr[0]
        self._cube_velocity = self.model.joint("cube").dofadr[0]
        self._origin_ns: int | None = None
        self._steps = 0
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Arms at rest with their drives off, nobody holds the leader, cube and goal where `seed` puts them."""
        mujoco.mj_resetData(self.model, self.data)
        self.model.actuator_forcerange[:] = 0.0
        self.hand.release()
        for arm in self.arms.values():
            self.data.qpos[arm.joints] = REST
        self.place(seed)

    def place(self, seed: int) -> None:
        """Put cube and goal at places drawn from `seed`, `PUSH_DISTANCE` apart."""
        random = np.random.default_rng(seed)
        while True:
            cube, goal = (np.array([random.uniform(*x), random.uniform(*y)]) for x, y in (CUBE_AREA, GOAL_AREA))
            if PUSH_DISTANCE[0] <= np.linalg.norm(cube - goal) <= PUSH_DISTANCE[1]:
                break
        self.place_at(cube, goal, yaw=float(np.arctan2(*(goal - cube)[::-1]) + random.uniform(-0.2, 0.2)))

    def place_at(self, cube: Floats, goal: Floats, yaw: float) -> None:
        quaternion = (np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        self.data.qpos[self._cube : self._cube + 7] = (*cube, CUBE_HALF, *quaternion)
        self.data.qvel[self._cube_velocity : self._cube_velocity + 6] = 0.0
        self.data.mocap_pos[0, :2] = goal
        mujoco.mj_forward(self.model, self.data)

    def angles(self, arm: str) -> Floats:
        return np.array(self.data.qpos[self.arms[arm].joints])

    def drive(self, arm: str, joint: int, goal: float | None, torque: float) -> None:
        """Servo a joint to `goal` rad with at most `torque` Nm, or let it go (None)."""
        drive = self.arms[arm].drives[joint]
        force = 0.0 if goal is None else torque
        self.model.actuator_forcerange[drive] = (-force, force)
        if goal is not None:
            self.data.ctrl[drive] = goal

    def step(self, steps: int) -> None:
        while steps > 0:
            batch = min(steps, _BATCH)
            self._move_hand(batch * TIMESTEP_S)
            mujoco.mj_step(self.model, self.data, nstep=batch)
            steps -= batch

    def advance(self, now_ns: int) -> None:
        """Step up to `now_ns`, monotonic."""
        if self._origin_ns is None:
            self._origin_ns = now_ns - self._steps * _STEP_NS
        behind = (now_ns - self._origin_ns) // _STEP_NS - self._steps
        if behind > _CATCH_UP:
            self._origin_ns += (behind - _CATCH_UP) * _STEP_NS
            behind = _CATCH_UP
        self.step(behind)
        self._steps += max(0, behind)

    def _move_hand(self, seconds: float) -> None:
        self.hand.advance(seconds)
        force = HAND_TORQUE if self.hand.holds else 0.0
        self.model.actuator_forcerange[self._hand_drives] = (-force, force)
        if self.hand.target is not None:
            self.data.ctrl[self._hand_drives] = self.hand.target

    @property
    def cube(self) -> Floats:
        """x, y, z of its middle."""
        return np.array(self.data.qpos[self._cube : self._cube + 3])

    @property
    def cube_yaw(self) -> float:
        w, x, y, z = self.data.qpos[self._cube + 3 : self._cube + 7]
        return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))

    @property
    def goal(self) -> Floats:
        """x, y."""
        return np.array(self.data.mocap_pos[0, :2])

    @property
    def success(self) -> bool:
        return float(np.linalg.norm(self.cube[:2] - self.goal)) < SUCCESS_DISTANCE

    def torque_on(self, arm: str) -> list[bool]:
        return [bool(self.model.actuator_forcerange[drive, 1] > 0.0) for drive in self.arms[arm].drives]

    def state(self) -> dict[str, Any]:
        """What the control socket tells: plain numbers, arms in channel units."""
        return {
            "cube": self.cube.tolist(),
            "cube_yaw": self.cube_yaw,
            "goal": self.goal.tolist(),
            "success": self.success,
            "hand": "moving" if self.hand.moving else "holding" if self.hand.holds else "off",
            **{arm: to_channels(self.angles(arm)) for arm in ARMS},
            "torque": {arm: self.torque_on(arm) for arm in ARMS},
        }

    def picture(self) -> Floats:
        """What a renderer needs: qpos, then x, y of the goal."""
        return np.concatenate((self.data.qpos, self.goal))


def show_picture(model: Any, data: Any, picture: Floats) -> None:
    """Put what `World.picture` said into a renderer's own data."""
    data.qpos[:] = picture[: model.nq]
    data.mocap_pos[0, :2] = picture[model.nq :]
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_camlight(model, data)
