"""What this distribution registers."""

from hilt_hooks import TeleoperatorDescriptor, hookimpl
from hilt_hooks.bimanual import bimanual
from hilt_robot_so.plugin import LIMITS
from hilt_teleop_so.config import SoLeaderConfig


def _leader(name: str, model: str, factory: str) -> TeleoperatorDescriptor:
    return TeleoperatorDescriptor(
        name=name,
        summary=f"{model} leader arm, follows the robot until a hand takes it",
        config=SoLeaderConfig,
        factory=f"hilt_teleop_so.leader:{factory}",
        emulator="hilt_motor_feetech.emulator:ServoChain",
        scanner="hilt_motor_feetech.diagnosis:answering",
        capabilities=frozenset({"torque", "mirror", "warn", "identify", "calibrate", "diagnose", "setup_motors"}),
        limits=LIMITS,
        requires=("hilt-motor-feetech", "hilt-robot-so", "pyserial"),
    )


@hookimpl
def hilt_teleoperators() -> list[TeleoperatorDescriptor]:
    so101 = _leader("so101_leader", "SO-101", "So101Leader")
    so100 = _leader("so100_leader", "SO-100", "SoLeader")
    return [so101, so100, bimanual(so101, name="bi_so_leader", summary="Two SO-100 or SO-101 leader arms")]
