"""The conformance kit on a pair of followers. Unplugging takes the right arm away."""

from functools import partial

from so_emulated import pair_rig

from hilt_hooks.testing import Check, check_robot, conformance
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.plugin import hilt_robots

PAIR = next(row for row in hilt_robots() if row.name == "bi_so_follower")
RIG = partial(pair_rig, PAIR, SoFollowerConfig, homing=100, unplugged="right")


@conformance(check_robot(PAIR, RIG, module="hilt_robot_so.plugin"))
def test_pair(check: Check) -> None:
    check.run()
