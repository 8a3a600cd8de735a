"""The model against the published numbers, and whether it holds still."""

import xml.etree.ElementTree as ET
from pathlib import Path

import mujoco
import numpy as np
import pytest

from hilt_robot_emulated.model import ARMS, ROBOT, build_model
from hilt_robot_emulated.so101 import JOINTS, LINKS, TIP

URDF = Path(__file__).parents[4] / "../shared/robots/so101.urdf"


def _numbers(element: ET.Element, name: str) -> list[float]:
    return [float(text) for text in element.attrib[name].split()]


def _transform(xyz: list[float], rpy: list[float]) -> np.ndarray:
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy), np.sin(rpy)
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = yaw @ pitch @ roll, xyz
    return matrix


@pytest.fixture(scope="module")
def urdf() -> ET.Element:
    if not URDF.is_file():
        pytest.skip("so101.urdf, the source of the numbers, is not beside the repository")
    return ET.parse(URDF).getroot()


def test_link_numbers_are_those_of_the_urdf(urdf: ET.Element) -> None:
    for link in LINKS:
        joint = urdf.find(f"joint[@name='{link.joint}']")
        limit, child = joint.find("limit"), joint.find("child").attrib["link"]
        assert (link.lower, link.upper) == (float(limit.attrib["lower"]), float(limit.attrib["upper"]))
        inertial = urdf.find(f"link[@name='{child}']/inertial")
        assert link.mass == float(inertial.find("mass").attrib["value"])
        assert list(link.com) == _numbers(inertial.find("origin"), "xyz")
        wanted = [float(inertial.find("inertia").attrib[name]) for name in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")]
        assert list(link.inertia) == wanted


@pytest.mark.parametrize("seed", range(5))
def test_forward_kinematics_are_those_of_the_urdf(urdf: ET.Element, seed: int) -> None:
    angles = [np.random.default_rng(seed).uniform(link.lower, link.upper) for link in LINKS[:5]]
    frame = np.eye(4)
    for link, angle in zip(LINKS[:5], angles, strict=True):
        origin = urdf.find(f"joint[@name='{link.joint}']/origin")
        frame = frame @ _transform(_numbers(origin, "xyz"), _numbers(origin, "rpy")) @ _transform([0] * 3, [0, 0, angle])
    model = build_model()
    data = mujoco.MjData(model)
    for name, angle in zip(JOINTS, angles, strict=False):
        data.qpos[model.joint(f"{ROBOT}/{name}").qposadr[0]] = angle
    mujoco.mj_kinematics(model, data)
    assert data.site(f"{ROBOT}/tip").xpos == pytest.approx((frame @ [*TIP, 1.0])[:3], abs=1e-4)


def test_the_world_stays_calm_for_a_minute() -> None:
    """Limp arms dropped from random poses come to rest: no explosion, no jitter, no warning of the solver."""
    model = build_model()
    model.actuator_forcerange[:] = 0.0
    data = mujoco.MjData(model)
    random = np.random.default_rng(1)
    for arm in ARMS:
        for link in LINKS:
            data.qpos[model.joint(f"{arm}/{link.joint}").qposadr[0]] = random.uniform(link.lower, link.upper) * 0.8
    mujoco.mj_step(model, data, nstep=30_000)
    assert [int(warning.number) for warning in data.warning] == [0] * len(data.warning)
    assert np.abs(data.qvel).max() < 0.02
    assert data.body("cube").xpos[2] == pytest.approx(0.018, abs=0.002)
