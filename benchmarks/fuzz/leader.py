"""A leader whose joints come in another order than the robot's: whoever matches by position moves the wrong joint."""

from attrs import evolve

from hilt_motor_feetech.arm import FeetechArm
from hilt_teleop_so.config import SoLeaderConfig
from hilt_teleop_so.leader import So101Leader


class ReversedLeader(So101Leader):
    def __init__(self, config: SoLeaderConfig) -> None:
        super().__init__(config)
        backwards = dict(reversed(self._spec.motors.items()))
        FeetechArm.__init__(self, evolve(self._spec, motors=backwards))
