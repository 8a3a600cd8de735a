"""An arm of the world as the servos of a bus see it: in encoder steps, by motor id."""

import numpy as np

from hilt_robot_emulated.calibration import ENCODERS, STEPS_A_RADIAN
from hilt_robot_emulated.so101 import STALL_TORQUE
from hilt_robot_emulated.world import World


class ArmPlant:
    """Implements the Plant of the Feetech emulator. The world is stepped by whoever owns it, before the bus is served."""

    def __init__(self, world: World, arm: str) -> None:
        self._world, self._name, self._arm = world, arm, world.arms[arm]
        self._encoders = ENCODERS[arm]

    def position(self, motor_id: int) -> float:
        joint = self._arm.joints[motor_id - 1]
        return self._encoders[motor_id - 1].actual(float(self._world.data.qpos[joint]))

    def velocity(self, motor_id: int) -> float:
        return float(self._world.data.qvel[self._arm.velocities[motor_id - 1]]) * STEPS_A_RADIAN

    def load(self, motor_id: int) -> float:
        force = float(self._world.data.actuator_force[self._arm.drives[motor_id - 1]])
        return float(np.clip(force / STALL_TORQUE, -1.0, 1.0))

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        angle = None if goal is None else self._encoders[motor_id - 1].angle(goal)
        self._world.drive(self._name, motor_id - 1, angle, torque_limit * STALL_TORQUE)
