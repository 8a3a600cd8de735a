"""The follower: an arm that is commanded."""

from collections.abc import Mapping

import numpy as np

from hilt_hooks import Chain, ConfigError, Floats, Signal, Vector
from hilt_motor_feetech.arm import ArmSpec, FeetechArm, Settings
from hilt_motor_feetech.calibration import CalibrationPlace
from hilt_robot_so import motors
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.kinematics import so101_chain

_FOLDERS = ("so_follower", "so101_follower", "so100_follower")

_GRIPPER_LIMITS: Mapping[str, int] = {
    "Max_Torque_Limit": 500,
    "Torque_Limit": 500,
    "Protection_Current": 250,
    "Overload_Torque": 25,
}
"""The gripper stalls whenever it holds something: half the torque (0.1 %), 1.6 A (6.5 mA), a quarter when overloaded (%)."""


def _settings(config: SoFollowerConfig) -> Settings:
    gains = {
        "P_Coefficient": config.position_p_coefficient,
        "I_Coefficient": config.position_i_coefficient,
        "D_Coefficient": config.position_d_coefficient,
    }
    return {
        **motors.settings(),
        **{register: dict.fromkeys(motors.JOINTS, value) for register, value in gains.items()},
        **{register: {motors.GRIPPER: value} for register, value in _GRIPPER_LIMITS.items()},
    }


def _caps(given: float | Mapping[str, float] | None) -> Floats | None:
    """max_relative_target as (6,) in joint order."""
    if given is None:
        return None
    caps = given if isinstance(given, Mapping) else dict.fromkeys(motors.JOINTS, given)
    if set(caps) != set(motors.JOINTS):
        raise ConfigError(f"max_relative_target: give one number, or one for each of {', '.join(motors.JOINTS)}")
    wrong = [f"max_relative_target: {joint}: {cap} is not above 0" for joint, cap in caps.items() if not cap > 0]
    if wrong:
        raise ConfigError(wrong)
    return np.array([caps[joint] for joint in motors.JOINTS], dtype=np.float64)


class SoFollower(FeetechArm):
    """SO-100 or SO-101. Body joints in degrees (or -100 to 100), gripper 0 (closed) to 100."""

    type = "so100_follower"

    def __init__(self, config: SoFollowerConfig) -> None:
        who = f"--robot.type={self.type} --robot.port={config.port}" + (f" --robot.id={config.id}" if config.id else "")
        super().__init__(
            ArmSpec(
                name=f"{self.type} '{config.id}'" if config.id else self.type,
                port=config.port,
                motors=motors.MOTORS,
                units=motors.units(config.use_degrees),
                place=CalibrationPlace(kind="robots", folders=_FOLDERS, id=config.id, directory=config.calibration_dir),
                calibrate=f"hilt calibrate {who}",
                settings=_settings(config),
                retries=config.num_read_retries,
            )
        )
        self._config = config
        self._cap = _caps(config.max_relative_target)

    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return self.action_signals

    def write(self, command: Vector) -> None:
        """One packet. Targets end where the calibrated range ends. Raises SafetyStop, sending nothing, for NaN and infinity."""
        if self._cap is not None:
            command = self._near(command, self._cap)
        self._send(self._steps(command))

    def hold(self) -> None:
        """Raises DeviceLost when the servos do not agree in time, SafetyStop when a limp joint is far outside its range."""
        self._hold()

    def _near(self, command: Vector, cap: Floats) -> Vector:
        """No further than `cap` from the last measurement, which costs no extra read. NaN stays NaN."""
        at = self._measured()
        return Vector(self._names, np.clip(command.in_order(self._names), at - cap, at + cap))


class So101Follower(SoFollower):
    """The SO-101, whose zero pose is that of its kinematic description."""

    type = "so101_follower"

    @property
    def chain(self) -> Chain:
        """Maps no joint to a channel unless the channels are in degrees."""
        return so101_chain(self._config.use_degrees)
