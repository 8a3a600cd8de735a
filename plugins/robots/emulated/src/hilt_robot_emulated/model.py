"""The MuJoCo model of the bench, built in code: two arms, a table, a cube, a goal, two cameras.

Collisions: the fingers touch cube and table, the heavier links the table, nothing touches anything else. That keeps a
step at some 30 us and the contacts few.
"""

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from attrs import frozen

from hilt_hooks import Floats
from hilt_robot_emulated.so101 import BASE_BOXES, LINKS, STALL_TORQUE, TIP, Box, Link

TIMESTEP_S = 0.002
ROBOT, LEADER = "robot", "leader"
ARMS = (ROBOT, LEADER)
CUBE_HALF = 0.018
GOAL_HALF = 0.03
LEADER_AT = (0.0, 0.7, 0.0)

SERVO_STIFFNESS = 90.0
SERVO_DAMPING = 3.0
HAND_STIFFNESS = 60.0
HAND_DAMPING = 4.0
HAND_TORQUE = 4.0
"""Nm a joint: about what an arm with a lever of 0.2 m feels from a hand that pulls with 20 N."""

_TOUCH_TABLE, _TOUCH_CUBE = 1, 2
_TOUCHES = {"": 0, "table": _TOUCH_TABLE, "all": _TOUCH_TABLE | _TOUCH_CUBE}


def _quaternion(rpy: tuple[float, float, float]) -> Floats:
    """Roll, pitch, yaw about fixed axes (URDF) -> w x y z."""
    quaternion = np.zeros(4)
    mujoco.mju_euler2Quat(quaternion, np.asarray(rpy), "XYZ")
    return quaternion


def _add_box(body: Any, box: Box) -> None:
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=box.centre,
        size=box.half,
        rgba=box.rgba,
        contype=_TOUCHES[box.touches],
        conaffinity=0,
        mass=0.0,
        friction=(0.6, 0.005, 0.0001),
    )


@frozen
class Gear:
    """What a geared STS3215 adds to a joint, SI units: the rotor's inertia, back-EMF, friction that holds part of a limp arm."""

    armature: float
    damping: float
    friction: float


_GEARS: Mapping[str, Gear] = {ROBOT: Gear(0.02, 0.3, 0.12), LEADER: Gear(0.008, 0.15, 0.06)}
"""A leader's servos have about half the gear ratio of the follower's 345:1, so that a hand turns them easily."""


def _add_link(parent: Any, arm: str, link: Link) -> Any:
    body = parent.add_body(name=f"{arm}/{link.joint}", pos=link.xyz, quat=_quaternion(link.rpy))
    body.mass, body.ipos, body.fullinertia, body.explicitinertial = link.mass, link.com, link.inertia, True
    gear = _GEARS[arm]
    body.add_joint(
        name=f"{arm}/{link.joint}",
        axis=(0.0, 0.0, 1.0),
        limited=True,
        range=(link.lower, link.upper),
        armature=gear.armature,
        damping=gear.damping,
        frictionloss=gear.friction,
    )
    for box in link.boxes:
        _add_box(body, box)
    return body


def _add_drive(spec: Any, name: str, joint: str, stiffness: float, damping: float, torque: float) -> None:
    """A position servo whose force range is its torque limit; the world sets the range to 0 while it is off."""
    drive = spec.add_actuator(name=name, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    drive.set_to_position(kp=stiffness, kv=damping)
    drive.forcelimited = True
    drive.forcerange = (-torque, torque)


def _add_arm(spec: Any, arm: str, at: tuple[float, float, float]) -> Any:
    """The arm's wrist link, which carries fingers and camera."""
    base = spec.worldbody.add_body(name=f"{arm}/base", pos=at)
    for box in BASE_BOXES:
        _add_box(base, box)
    bodies, parent = {}, base
    for link in LINKS:
        bodies[link.joint] = parent = _add_link(parent, arm, link)
        _add_drive(spec, f"{arm}/{link.joint}", f"{arm}/{link.joint}", SERVO_STIFFNESS, SERVO_DAMPING, STALL_TORQUE)
    wrist = bodies["wrist_roll"]
    wrist.add_site(name=f"{arm}/tip", pos=TIP, size=(0.003,) * 3, rgba=(0, 0, 0, 0))
    return wrist


def _add_scene(spec: Any) -> None:
    world = spec.worldbody
    world.add_light(pos=(0.3, -0.4, 1.2), dir=(0.0, 0.3, -1.0), diffuse=(0.7, 0.7, 0.7), castshadow=False)
    world.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(3.0, 3.0, 0.05),
        rgba=(0.62, 0.64, 0.68, 1.0),
        contype=0,
        conaffinity=_TOUCH_TABLE,
        friction=(0.6, 0.005, 0.0001),
    )
    goal = world.add_body(name="goal", mocap=True, pos=(0.25, 0.0, 0.0006))
    goal.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(GOAL_HALF, GOAL_HALF, 0.0005),
        rgba=(0.1, 0.65, 0.25, 1.0),
        contype=0,
        conaffinity=0,
    )
    cube = world.add_body(name="cube", pos=(0.2, 0.05, CUBE_HALF))
    cube.add_freejoint(name="cube")
    cube.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(CUBE_HALF,) * 3,
        mass=0.05,
        rgba=(0.8, 0.12, 0.1, 1.0),
        contype=_TOUCH_TABLE,
        conaffinity=_TOUCH_CUBE,
        friction=(0.6, 0.005, 0.0001),
    )


def _look_at(eye: tuple[float, float, float], target: tuple[float, float, float]) -> Floats:
    """Quaternion of a camera at `eye` that looks at `target`, upright (MuJoCo cameras look along -z)."""
    back = np.subtract(eye, target).astype(float)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.column_stack((right, np.cross(back, right), back)).ravel())
    return quaternion


def _add_cameras(spec: Any, wrist: Any) -> None:
    eye = (0.6, -0.16, 0.4)
    spec.worldbody.add_camera(name="front", pos=eye, quat=_look_at(eye, (0.15, 0.015, 0.085)), fovy=44.0)
    wrist.add_camera(name="wrist", pos=(0.003, -0.075, -0.005), quat=_wrist_view(), fovy=70.0)


def _wrist_view() -> Floats:
    """From beside the gripper's servo along the fingers, tilted towards their tips."""
    quaternion = np.zeros(4)
    mujoco.mju_euler2Quat(quaternion, np.array([0.6, 0.0, 0.0]), "XYZ")
    return quaternion


def build_spec() -> Any:
    spec = mujoco.MjSpec()
    spec.modelname = "hilt-bench-so101"
    spec.compiler.degree = False
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.iterations, spec.option.ls_iterations = 20, 10
    spec.visual.quality.shadowsize = spec.visual.quality.offsamples = 0
    spec.visual.headlight.ambient = (0.35,) * 3
    spec.visual.map.znear = 0.01
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1920, 1080
    _add_scene(spec)
    wrist = _add_arm(spec, ROBOT, (0.0, 0.0, 0.0))
    _add_arm(spec, LEADER, LEADER_AT)
    for link in LINKS:
        _add_drive(spec, f"hand/{link.joint}", f"{LEADER}/{link.joint}", HAND_STIFFNESS, HAND_DAMPING, HAND_TORQUE)
    _add_cameras(spec, wrist)
    return spec


def build_model() -> Any:
    """A compiled `mujoco.MjModel` of the bench."""
    return build_spec().compile()
