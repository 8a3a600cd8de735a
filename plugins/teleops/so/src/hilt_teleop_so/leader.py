"""The leader: an arm that a person moves, and that follows the robot meanwhile."""

from hilt_hooks import Vector
from hilt_motor_feetech.arm import ArmSpec, FeetechArm
from hilt_motor_feetech.calibration import CalibrationPlace
from hilt_robot_so import motors
from hilt_teleop_so.config import SoLeaderConfig

_FOLDERS = ("so_leader", "so101_leader", "so100_leader")


class SoLeader(FeetechArm):
    """SO-100 or SO-101. Torque, whenever it is on, is capped at `mirror_torque`."""

    type = "so100_leader"

    def __init__(self, config: SoLeaderConfig) -> None:
        super().__init__(
            ArmSpec(
                name=f"{self.type} '{config.id}'" if config.id else self.type,
                port=config.port,
                motors=motors.MOTORS,
                units=motors.units(config.use_degrees),
                place=CalibrationPlace(kind="teleoperators", folders=_FOLDERS, id=config.id, directory=config.calibration_dir),
                flags=motors.flags("teleop", self.type, config.port, config.id, config.calibration_dir),
                joints=motors.joints(),
                settings=motors.settings(),
                retries=config.num_read_retries,
                torque_limit=round(config.mirror_torque * 10),
            )
        )

    def mirror(self, target: Vector) -> None:
        """One packet while torque is on; while it is off, nothing is sent. Raises SafetyStop for NaN and infinity."""
        steps = self._steps(target)
        if self._torqued:
            self._send(steps)


class So101Leader(SoLeader):
    type = "so101_leader"
