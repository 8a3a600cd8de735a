"""The kinematic chain of the SO-101 from base to gripper frame, as data.

Source: the SO-101 description of TheRobotStudio (SO-ARM100, Apache-2.0), where zero is the middle of each joint's range.
"""

import math
from collections.abc import Sequence

import numpy as np

from hilt_hooks import Chain, Floats, Joint

_HALF_TURN, _QUARTER = math.pi, math.pi / 2

_JOINTS = (
    # name, xyz of the origin (m), roll pitch yaw of the origin (rad), lower and upper limit (rad)
    ("shoulder_pan", (0.0388353, 0.0, 0.0624), (_HALF_TURN, 0.0, -_HALF_TURN), -1.91986, 1.91986),
    ("shoulder_lift", (-0.0303992, -0.0182778, -0.0542), (-_QUARTER, -_QUARTER, 0.0), -1.74533, 1.74533),
    ("elbow_flex", (-0.11257, -0.028, 0.0), (0.0, 0.0, _QUARTER), -1.69, 1.69),
    ("wrist_flex", (-0.1349, 0.0052, 0.0), (0.0, 0.0, -_QUARTER), -1.65806, 1.65806),
    ("wrist_roll", (0.0, -0.0611, 0.0181), (_QUARTER, 0.0486795, _HALF_TURN), -2.74385, 2.84121),
)
_TOOL = ((-0.0079, -0.000218121, -0.0981274), (0.0, _HALF_TURN, 0.0))


def transform(xyz: Sequence[float], rpy: Sequence[float]) -> Floats:
    """(4, 4) from a position and roll, pitch, yaw about the fixed axes x, y, z."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(rpy), np.cos(rpy)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    matrix[:3, 3] = xyz
    return matrix


def so101_chain(in_degrees: bool) -> Chain:
    """in_degrees: whether the channels are; percentages of a range are no angles, so no channel is mapped for them."""
    joints = tuple(
        Joint(name, transform(xyz, rpy), np.array([0.0, 0.0, 1.0]), lower, upper) for name, xyz, rpy, lower, upper in _JOINTS
    )
    signals = {joint.name: f"{joint.name}.pos" for joint in joints} if in_degrees else {}
    return Chain(joints=joints, tool=transform(*_TOOL), signals=signals, scale=math.pi / 180)
