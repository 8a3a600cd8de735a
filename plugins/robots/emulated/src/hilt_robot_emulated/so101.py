"""The SO-101 arm as numbers: joint origins, limits and inertias of TheRobotStudio's SO-ARM100 (so101.urdf, Apache-2.0).

Shapes are our own: boxes that stand for printed parts and servos. All lengths in m, angles in rad, masses in kg.
Every joint turns about the z axis of its own frame.
"""

from collections.abc import Sequence

from attrs import frozen

Triple = tuple[float, float, float]

PRINTED = (0.95, 0.72, 0.12, 1.0)
SERVO = (0.13, 0.13, 0.15, 1.0)


@frozen
class Box:
    """A box in its link's frame. touches: "" nothing, "table" the table only, "all" the table and the cube."""

    centre: Triple
    half: Triple
    touches: str = ""
    rgba: tuple[float, float, float, float] = PRINTED


@frozen
class Link:
    """A body and the joint that carries it. rpy: roll, pitch, yaw about fixed axes. inertia: xx yy zz xy xz yz at `com`."""

    joint: str
    xyz: Triple
    rpy: Triple
    lower: float
    upper: float
    mass: float
    com: Triple
    inertia: tuple[float, float, float, float, float, float]
    boxes: Sequence[Box] = ()


BASE_BOXES = (
    Box((-0.005, 0.0, 0.012), (0.045, 0.04, 0.012)),
    Box((0.026, 0.0, 0.044), (0.023, 0.0125, 0.018), rgba=SERVO),
    Box((-0.02, 0.0, 0.04), (0.02, 0.03, 0.03)),
)

LINKS = (
    Link(
        "shoulder_pan",
        (0.0388353, 0.0, 0.0624),
        (3.14159265, 0.0, -3.14159265),
        -1.91986,
        1.91986,
        0.100006,
        (-0.0307604, -1.66727e-05, -0.0252713),
        (8.3759e-05, 8.10403e-05, 2.39783e-05, 7.55525e-08, -1.16342e-06, 1.54663e-07),
        (
            Box((-0.0304, 0.0, -0.042), (0.0125, 0.018, 0.023), rgba=SERVO),
            Box((-0.018, 0.0, -0.012), (0.028, 0.022, 0.006)),
        ),
    ),
    Link(
        "shoulder_lift",
        (-0.0303992, -0.0182778, -0.0542),
        (-1.57079633, -1.57079633, 0.0),
        -1.74533,
        1.74533,
        0.103,
        (-0.0898471, -0.00838224, 0.0184089),
        (4.08002e-05, 0.000147318, 0.000142487, -1.97819e-05, -4.03016e-08, 8.97326e-09),
        (
            Box((-0.05, 0.0, 0.0182), (0.052, 0.013, 0.016)),
            Box((-0.1126, -0.0155, 0.0187), (0.0125, 0.023, 0.018), "table", SERVO),
        ),
    ),
    Link(
        "elbow_flex",
        (-0.11257, -0.028, 0.0),
        (0.0, 0.0, 1.57079633),
        -1.69,
        1.69,
        0.104,
        (-0.0980701, 0.00324376, 0.0182831),
        (2.87438e-05, 0.000159844, 0.00014529, 7.41152e-06, 1.26409e-06, -4.90188e-08),
        (
            Box((-0.055, 0.0, 0.0182), (0.055, 0.011, 0.016), "table"),
            Box((-0.1224, 0.0052, 0.0187), (0.023, 0.0125, 0.018), "table", SERVO),
        ),
    ),
    Link(
        "wrist_flex",
        (-0.1349, 0.0052, 0.0),
        (0.0, 0.0, -1.57079633),
        -1.65806,
        1.65806,
        0.079,
        (-0.000103312, -0.0386143, 0.0281156),
        (3.68263e-05, 2.5391e-05, 2.1e-05, 1.7893e-08, -5.28128e-08, 3.6412e-06),
        (
            Box((0.0, -0.0424, 0.0306), (0.018, 0.0125, 0.02), "table", SERVO),
            Box((0.0, -0.02, 0.0182), (0.013, 0.022, 0.012)),
        ),
    ),
    Link(
        "wrist_roll",
        (0.0, -0.0611, 0.0181),
        (1.57079633, 0.0486795, 3.14159265),
        -2.74385,
        2.84121,
        0.087,
        (0.000213627, 0.000245138, -0.025187),
        (2.75087e-05, 4.33657e-05, 3.45059e-05, -3.35241e-07, -5.7352e-06, -5.17847e-08),
        (
            Box((0.0077, 0.0001, -0.0234), (0.023, 0.018, 0.0125), rgba=SERVO),
            Box((-0.008, 0.0, -0.042), (0.014, 0.014, 0.012)),
            Box((-0.012, 0.0, -0.077), (0.006, 0.012, 0.025), "all"),
        ),
    ),
    Link(
        "gripper",
        (0.0202, 0.0188, -0.0234),
        (1.57079633, 0.0, 0.0),
        -0.174533,
        1.74533,
        0.012,
        (-0.00157495, -0.0300244, 0.0192755),
        (6.61427e-06, 1.89032e-06, 5.28738e-06, -3.19807e-07, -5.90717e-09, -1.09945e-07),
        (
            Box((-0.003, -0.025, 0.0189), (0.007, 0.027, 0.01)),
            Box((-0.004, -0.0625, 0.0189), (0.005, 0.0155, 0.012), "all"),
        ),
    ),
)

JOINTS = tuple(link.joint for link in LINKS)
TIP: Triple = (0.003, 0.0, -0.1)
"""Between the fingertips of an almost closed gripper, in the frame of the link that `wrist_roll` carries."""

STALL_TORQUE = 2.94
"""Nm: 30 kg cm, STS3215 at 12 V (datasheet)."""
