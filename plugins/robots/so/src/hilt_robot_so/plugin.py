"""What this distribution registers."""

from hilt_hooks import Limits, RobotDescriptor, hookimpl
from hilt_hooks.bimanual import bimanual
from hilt_robot_so.config import SoFollowerConfig

_CAPABILITIES = frozenset({"torque", "warn", "identify", "calibrate", "diagnose", "setup_motors"})

LIMITS = {
    "gripper.pos": Limits(
        velocity=300.0,
        acceleration=3000.0,
        reason="SO gripper: 300 %/s and 3000 %/s2, a full stroke in a third of a second",
    ),
    "*": Limits(
        velocity=180.0,
        acceleration=900.0,
        reason="SO body joints: 180 deg/s and 900 deg/s2, below the servo's 270 deg/s at no load",
    ),
}
"""Of followers and leaders alike: they have the same servos."""


def _follower(name: str, model: str, factory: str, *more: str) -> RobotDescriptor:
    return RobotDescriptor(
        name=name,
        summary=f"{model} follower arm, six Feetech servos",
        config=SoFollowerConfig,
        factory=f"hilt_robot_so.follower:{factory}",
        emulator="hilt_motor_feetech.emulator:ServoChain",
        scanner="hilt_motor_feetech.diagnosis:answering",
        capabilities=_CAPABILITIES | set(more),
        limits=LIMITS,
        requires=("hilt-motor-feetech", "pyserial"),
    )


@hookimpl
def hilt_robots() -> list[RobotDescriptor]:
    so101 = _follower("so101_follower", "SO-101", "So101Follower", "kinematics")
    so100 = _follower("so100_follower", "SO-100", "SoFollower")
    return [so101, so100, bimanual(so101, name="bi_so_follower", summary="Two SO-100 or SO-101 follower arms")]
