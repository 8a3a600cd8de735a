"""The kinematic data against the published description."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from hilt_hooks import Chain, Floats
from hilt_robot_so.kinematics import so101_chain, transform

URDF = Path(__file__).resolve().parents[4] / "../shared/robots/so101.urdf"


def turn(axis: Floats, angle: float) -> Floats:
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(4)
    matrix[:3, :3] += math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return matrix


def tool(chain: Chain, angles: list[float]) -> Floats:
    pose = np.eye(4)
    for joint, angle in zip(chain.joints, angles, strict=True):
        pose = pose @ joint.origin @ turn(joint.axis, angle)
    return pose @ chain.tool


@pytest.mark.skipif(not URDF.exists(), reason="the published description is not on this machine")
@pytest.mark.parametrize("seed", range(5))
def test_the_gripper_is_where_the_description_puts_it(seed: int) -> None:
    chain = so101_chain(in_degrees=True)
    joints = {joint.get("name"): joint for joint in ElementTree.parse(URDF).getroot().findall("joint")}
    angles = np.random.default_rng(seed).uniform(-1.5, 1.5, len(chain.joints)).tolist()
    pose = np.eye(4)
    for ours, angle in zip(chain.joints, angles, strict=True):
        pose = pose @ _origin(joints[ours.name]) @ turn(_vector(joints[ours.name], "axis", "xyz"), angle)
        assert (ours.lower, ours.upper) == tuple(float(joints[ours.name].find("limit").get(end)) for end in ("lower", "upper"))
    pose = pose @ _origin(joints["gripper_frame_joint"])
    # The description writes right angles with five digits.
    np.testing.assert_allclose(tool(chain, angles), pose, atol=3e-5)


def test_channels_are_mapped_only_in_degrees() -> None:
    assert so101_chain(in_degrees=True).signals["wrist_roll"] == "wrist_roll.pos"
    assert so101_chain(in_degrees=True).scale == pytest.approx(math.pi / 180)
    assert so101_chain(in_degrees=False).signals == {}


def test_transform_turns_about_fixed_axes() -> None:
    quarter = transform((1, 2, 3), (math.pi / 2, 0, math.pi / 2))
    np.testing.assert_allclose(quarter @ [0, 1, 0, 1], [1, 2, 4, 1], atol=1e-12)


def _vector(joint: ElementTree.Element, tag: str, name: str) -> Floats:
    return np.array([float(part) for part in joint.find(tag).get(name).split()])


def _origin(joint: ElementTree.Element) -> Floats:
    return transform(_vector(joint, "origin", "xyz"), _vector(joint, "origin", "rpy"))
