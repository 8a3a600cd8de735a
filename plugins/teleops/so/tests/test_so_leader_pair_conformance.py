"""The conformance kit on a pair of leaders. Unplugging takes the left arm away."""

from functools import partial

from so_emulated import SIDES, pair_rig

from hilt_hooks.testing import Check, check_teleoperator, conformance
from hilt_robot_so.motors import JOINTS
from hilt_teleop_so.config import SoLeaderConfig
from hilt_teleop_so.plugin import hilt_teleoperators

CHANNELS = tuple(f"{side}_{joint}.pos" for side in SIDES for joint in JOINTS)
PAIR = next(row for row in hilt_teleoperators() if row.name == "bi_so_leader")
RIG = partial(pair_rig, PAIR, SoLeaderConfig, homing=-50, unplugged="left")


@conformance(check_teleoperator(PAIR, RIG, robot_actions=CHANNELS, module="hilt_teleop_so.plugin"))
def test_pair(check: Check) -> None:
    check.run()
