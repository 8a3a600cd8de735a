"""What this distribution registers."""

from hilt_hooks import Limits, RobotDescriptor, hookimpl
from hilt_robot_so.config import SoFollowerConfig

_CAPABILITIES = frozenset({"torque", "identify", "calibrate", "diagnose", "setup_motors"})

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


@hookimpl
def hilt_robots() -> list[RobotDescriptor]:
    return [
        RobotDescriptor(
            name="so101_follower",
            summary="SO-101 follower arm, six Feetech servos",
            config=SoFollowerConfig,
            factory="hilt_robot_so.follower:So101Follower",
            emulator="hilt_motor_feetech.emulator:ServoChain",
            capabilities=_CAPABILITIES | {"kinematics"},
            limits=LIMITS,
            requires=("hilt-motor-feetech", "feetech-servo-sdk", "pyserial"),
        ),
        RobotDescriptor(
            name="so100_follower",
            summary="SO-100 follower arm, six Feetech servos",
            config=SoFollowerConfig,
            factory="hilt_robot_so.follower:SoFollower",
            emulator="hilt_motor_feetech.emulator:ServoChain",
            capabilities=_CAPABILITIES,
            limits=LIMITS,
            requires=("hilt-motor-feetech", "feetech-servo-sdk", "pyserial"),
        ),
    ]
