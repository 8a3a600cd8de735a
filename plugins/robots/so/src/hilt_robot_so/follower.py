"""The follower: an arm that is commanded."""

import math
from collections.abc import Mapping

from attrs import evolve

from hilt_hooks import Chain, ConfigError, Signal, Vector
from hilt_motor_feetech.arm import ArmSpec, FeetechArm, Settings
from hilt_motor_feetech.calibration import CalibrationPlace
from hilt_motor_feetech.grip import Grip
from hilt_robot_so import motors
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.kinematics import so101_chain

_FOLDERS = ("so_follower", "so101_follower", "so100_follower")

_GRIPPER_TORQUE = 500
_GRIPPER_LIMITS: Mapping[str, int] = {
    "Max_Torque_Limit": _GRIPPER_TORQUE,
    "Torque_Limit": _GRIPPER_TORQUE,
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


def _caps(given: float | Mapping[str, float] | None) -> list[float]:
    """max_relative_target in joint order."""
    if given is None:
        return [math.inf] * len(motors.JOINTS)
    caps = given if isinstance(given, Mapping) else dict.fromkeys(motors.JOINTS, given)
    if set(caps) != set(motors.JOINTS):
        raise ConfigError(f"max_relative_target: give one number, or one for each of {', '.join(motors.JOINTS)}")
    wrong = [f"max_relative_target: {joint}: {cap} is not above 0" for joint, cap in caps.items() if not cap > 0]
    if wrong:
        raise ConfigError(wrong)
    return [caps[joint] for joint in motors.JOINTS]


class SoFollower(FeetechArm):
    """SO-100 or SO-101. Body joints in degrees (or -100 to 100), gripper 0 (closed) to 100."""

    type = "so100_follower"

    def __init__(self, config: SoFollowerConfig) -> None:
        super().__init__(
            ArmSpec(
                name=f"{self.type} '{config.id}'" if config.id else self.type,
                port=config.port,
                motors=motors.MOTORS,
                units=motors.units(config.use_degrees),
                place=CalibrationPlace(kind="robots", folders=_FOLDERS, id=config.id, directory=config.calibration_dir),
                flags=motors.flags("robot", self.type, config.port, config.id, config.calibration_dir),
                joints=motors.joints(),
                settings=_settings(config),
                retries=config.num_read_retries,
                grip=Grip(motors.GRIPPER, _GRIPPER_TORQUE),
            )
        )
        self._config = config
        self._caps = _caps(config.max_relative_target)

    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return super().action_signals

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        """With `max_relative_target` as the limit of how far a target may be from the measured pose; the governor keeps it."""
        signals = zip(super().action_signals, self._caps, strict=True)
        return tuple(evolve(signal, limits=evolve(signal.limits, tracking=cap)) for signal, cap in signals)

    def write(self, command: Vector) -> None:
        """One packet. Targets end where the calibrated range ends. Raises SafetyStop, sending nothing, for NaN and infinity."""
        self._send(self._steps(command))

    def hold(self) -> None:
        """Raises DeviceLost when the servos do not agree in time, SafetyStop when a limp joint is far outside its range."""
        self._hold()


class So101Follower(SoFollower):
    """The SO-101, whose zero pose is that of its kinematic description."""

    type = "so101_follower"

    @property
    def chain(self) -> Chain:
        """Maps no joint to a channel unless the channels are in degrees."""
        return so101_chain(self._config.use_degrees)
