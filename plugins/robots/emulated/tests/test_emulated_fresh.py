"""A bench whose arms are new: plugged by hand, swept by hand, calibrated by the driver."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from hilt_hooks import ConnectError
from hilt_motor_feetech.calibration import load_calibration
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.calibration import ENCODERS
from hilt_robot_emulated.so101 import JOINTS
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.follower import So101Follower


@pytest.fixture(scope="module")
def fresh() -> Iterator[Bench]:
    with Bench.start(cameras={}, fresh=True) as bench:
        yield bench


def test_new_motors_are_set_up_one_by_one_and_calibrated_by_moving_the_arm(fresh: Bench) -> None:
    arm = So101Follower(SoFollowerConfig(port=fresh.robot_port, id="black", calibration_dir=fresh.calibration_dir))
    assert arm.motors_present() == []
    with pytest.raises(ConnectError, match="several motors with the same id"):
        arm.find_motor("gripper")
    for joint in JOINTS:
        fresh.command("plug", arm="robot", motor=joint)
        arm.set_up_motor(joint)
    fresh.command("plug", arm="robot", motor="all")
    assert arm.motors_present() == list(JOINTS)
    with arm.calibration() as calibration:
        calibration.measure(soon())
        fresh.command("sweep", arm="robot")
        low = high = np.zeros(len(JOINTS))
        while fresh.command("sweep")["sweeping"]:
            values = calibration.measure(soon()).values
            low, high = np.minimum(low, values), np.maximum(high, values)
        ends = dict(zip(JOINTS, zip(low.tolist(), high.tolist(), strict=True), strict=True))
        del ends["wrist_roll"]
        calibration.keep(ends)
    made = load_calibration(arm.calibration_path)
    for encoder in ENCODERS["robot"]:
        if encoder.joint != "wrist_roll":
            kept = made[encoder.joint]
            assert kept.range_max - kept.range_min == pytest.approx(encoder.range_max - encoder.range_min, abs=60)
    arm.connect()
    arm.disconnect()


def soon() -> int:
    return time.monotonic_ns() + 100_000_000


def test_a_hand_refuses_what_is_not_there(fresh: Bench) -> None:
    with pytest.raises(ValueError, match="there is no motor 'elbo'; there are shoulder_pan"):
        fresh.command("plug", arm="robot", motor="elbo")
    with pytest.raises(ValueError, match="there is no arm 'third'"):
        fresh.command("sweep", arm="third")
