"""An expert that pushes the cube to the goal: joint waypoints from inverse kinematics on the model of the bench."""

from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from hilt_hooks import Floats
from hilt_robot_emulated.calibration import from_channels, to_channels
from hilt_robot_emulated.model import CUBE_HALF, ROBOT, build_model
from hilt_robot_emulated.so101 import JOINTS
from hilt_robot_emulated.waypoint import Waypoint
from hilt_robot_emulated.world import REST

GRIPPER = 0.0
"""Joint angle of the gripper while it pushes, rad: almost closed, so that both fingers touch one face of the cube."""
FINGER_DEPTH = 0.012
PUSH_HEIGHT = 0.012
CLEAR_HEIGHT = 0.09
STAND_OFF = 0.03
FAST, SLOW = 60.0, 25.0
"""Degrees per second of the fastest joint."""

_AIM = 0.1
"""How many metres of position error an orientation error of 1 rad is worth."""
_DAMPING = 1e-4
_ITERATIONS = 100


class Expert:
    """Plans offline on its own copy of the model; knows nothing of the wire. Some 10 ms a waypoint."""

    def __init__(self) -> None:
        self._model = build_model()
        self._data = mujoco.MjData(self._model)
        joints = [self._model.joint(f"{ROBOT}/{joint}") for joint in JOINTS]
        self._joints = np.array([joint.qposadr[0] for joint in joints])
        self._columns = np.array([joint.dofadr[0] for joint in joints])[:5]
        self._ranges = np.array([joint.range for joint in joints])[:5]
        self._site = self._model.site(f"{ROBOT}/tip").id

    def push(self, state: Mapping[str, Any]) -> list[Waypoint]:
        """From where the leader is, behind the cube, to the goal, and up again. state: what the bench tells (`World.state`)."""
        cube, goal = np.array(state["cube"][:2]), np.array(state["goal"])
        along = (goal - cube) / np.linalg.norm(goal - cube)
        behind = CUBE_HALF * 1.42 + FINGER_DEPTH + STAND_OFF
        start, end = cube - along * behind, goal - along * (CUBE_HALF + FINGER_DEPTH)
        steps = max(2, int(np.linalg.norm(end - start) / 0.01))
        line = [start + (end - start) * share for share in np.linspace(0.0, 1.0, steps + 1)]
        return [
            *self.lift(state["leader"]),
            *self._through([(*start, CLEAR_HEIGHT)], along, FAST),
            *self._through([(*start, 0.05), (*start, PUSH_HEIGHT)], along, FAST),
            *self._through([(*point, PUSH_HEIGHT) for point in line[1:]], along, SLOW),
            *self._through([(*(end - along * 0.02), PUSH_HEIGHT)], along, SLOW),
            *self._through([(*(end - along * 0.02), CLEAR_HEIGHT)], along, FAST),
        ]

    def lift(self, pose: Mapping[str, float]) -> list[Waypoint]:
        """Straight up from `pose` until nothing on the table is in the way; nothing if it is up already."""
        angles = np.array(from_channels(pose))
        tip = self.tip(angles)
        if tip[2] >= CLEAR_HEIGHT - 0.02:
            return []
        jaws = self._data.site_xmat[self._site].reshape(3, 3)[:, 0]
        return self._waypoints([(tip[0], tip[1], CLEAR_HEIGHT)], jaws, angles, FAST)

    def home(self, pose: Mapping[str, float]) -> list[Waypoint]:
        return [*self.lift(pose), Waypoint(to_channels(REST), FAST)]

    def _through(self, points: Sequence[tuple[float, float, float]], along: Floats, speed: float) -> list[Waypoint]:
        jaws = np.array([-along[1], along[0], 0.0])
        return self._waypoints(points, jaws, np.array([*_SEED[:5], GRIPPER]), speed)

    def _waypoints(
        self, points: Sequence[tuple[float, float, float]], jaws: Floats, angles: Floats, speed: float
    ) -> list[Waypoint]:
        path = []
        for point in points:
            angles = self.reach(np.array(point), jaws, angles)
            path.append(Waypoint(to_channels(angles), speed))
        return path

    def reach(self, point: Floats, jaws: Floats, seed: Floats) -> Floats:
        """Joint angles with the tip at `point`, fingers down, the gripper opening along the line `jaws`. Damped least squares."""
        angles = np.array(seed)
        position, turn = np.zeros((3, self._model.nv)), np.zeros((3, self._model.nv))
        for _ in range(_ITERATIONS):
            self._place(angles)
            frame = self._data.site_xmat[self._site].reshape(3, 3)
            side = jaws if frame[:, 0] @ jaws >= 0 else -jaws
            tilt = np.cross(frame[:, 2], (0.0, 0.0, 1.0)) + np.cross(frame[:, 0], side) * np.array([0.0, 0.0, 1.0])
            error = np.concatenate((point - self._data.site_xpos[self._site], _AIM * tilt))
            mujoco.mj_jacSite(self._model, self._data, position, turn, self._site)
            jacobian = np.vstack((position, _AIM * turn))[:, self._columns]
            step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(6), error)
            angles[:5] = np.clip(angles[:5] + np.clip(step, -0.2, 0.2), self._ranges[:, 0], self._ranges[:, 1])
            if np.abs(step).max() < 1e-4:
                break
        return angles

    def tip(self, angles: ArrayLike) -> Floats:
        """Where the fingertips are, m, with the joints at `angles`."""
        self._place(angles)
        return np.array(self._data.site_xpos[self._site])

    def _place(self, angles: ArrayLike) -> None:
        self._data.qpos[self._joints] = angles
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)


_SEED = (0.0, -0.3, 0.3, 1.4, 0.0)
"""Above the table with the fingers down: where the search starts, so that one cube always gets one path."""
