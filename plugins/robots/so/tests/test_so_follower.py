"""The follower over the emulated wire."""

import json
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilt_hooks import ConfigError, ConnectError, DeviceLost, SafetyStop, Vector
from hilt_motor_feetech.calibration import save_calibration
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.follower import So101Follower, SoFollower
from hilt_robot_so.motors import JOINTS, MOTORS

Config = Callable[..., SoFollowerConfig]
CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)


@pytest.fixture
def arm(config: Config):  # type: ignore[no-untyped-def]
    arm = So101Follower(config())
    arm.connect()
    yield arm
    arm.disconnect()


def soon() -> int:
    return time.monotonic_ns() + 500_000_000


def test_a_limp_arm_stays_limp_and_gets_its_settings(arm: SoFollower, twin: Any) -> None:
    assert arm.torque() is False
    assert twin.servo("elbow_flex").get("P_Coefficient") == 16
    assert twin.servo("gripper").get("Torque_Limit") == 500
    assert twin.servo("wrist_roll").get("Torque_Limit") == 1000
    assert not [entry for entry in twin.written() if entry[1] in ("Torque_Enable", "Goal_Position")]


def test_settings_survive_a_power_cycle(arm: SoFollower, twin: Any) -> None:
    twin.servo("gripper").power_up()
    assert twin.servo("gripper").get("Overload_Torque") == 25
    assert twin.servo("gripper").get("Lock") == 1


def test_connecting_to_a_torqued_arm_neither_drops_nor_moves_it(config: Config, twin: Any) -> None:
    twin.stiffen()
    before = [twin.present(joint) for joint in JOINTS]
    arm = SoFollower(config())
    arm.connect()
    assert arm.torque() is True
    arm.disconnect()
    assert not [entry for entry in twin.written() if entry[1] in ("Torque_Enable", "Goal_Position")]
    assert [twin.present(joint) for joint in JOINTS] == before
    assert all(twin.servo(joint).get("Torque_Enable") == 1 for joint in JOINTS)


def test_a_second_connect_writes_nothing(arm: SoFollower, twin: Any) -> None:
    arm.disconnect()
    twin.forget()
    arm.connect()
    assert twin.written() == []


def test_a_torqued_motor_in_another_mode_is_left_alone(config: Config, twin: Any) -> None:
    twin.stiffen()
    twin.servo("gripper").set("Operating_Mode", 1)
    with pytest.raises(ConnectError, match="gripper: Operating_Mode is 1, not 0"):
        SoFollower(config()).connect()
    assert twin.servo("gripper").get("Operating_Mode") == 1
    assert twin.servo("gripper").get("Torque_Enable") == 1


def test_what_differs_from_the_calibration_file_is_named_field_by_field(config: Config, twin: Any) -> None:
    twin.servo("gripper").set("Max_Position_Limit", 3000)
    twin.servo("elbow_flex").set("Homing_Offset", 7)
    arm = So101Follower(config())
    with pytest.raises(ConnectError) as caught:
        arm.connect()
    message = str(caught.value)
    assert "gripper.range_max: 3100 in the file, 3000 in the motor" in message
    assert "elbow_flex.homing_offset: 0 in the file, 7 in the motor" in message
    assert str(arm.calibration_path) in message
    assert "hilt calibrate --robot.type=so101_follower" in message
    assert "--robot.id=black" in message
    assert twin.written() == []
    twin.servo("gripper").set("Max_Position_Limit", 3100)
    twin.servo("elbow_flex").set("Homing_Offset", 0)
    arm.connect()
    assert arm.calibrated
    twin.servo("gripper").set("Max_Position_Limit", 3000)
    assert not arm.calibrated
    arm.disconnect()
    assert not arm.calibrated


def test_without_a_calibration_file_nothing_is_opened(twin: Any, tmp_path: Path) -> None:
    arm = SoFollower(SoFollowerConfig(port="/dev/nowhere", id="red", calibration_dir=tmp_path))
    assert [signal.limits.upper for signal in arm.action_signals] == [math.inf] * 6
    with pytest.raises(ConnectError, match=r"(?s)hilt calibrate.*red\.json: there is no such file"):
        arm.connect()


def test_a_file_for_other_motors_is_refused(config: Config, twin: Any) -> None:
    path = twin.folder / "black.json"
    content = json.loads(path.read_text())
    content["shoulder_pan"]["id"] = 2
    content["wrist_yaw"] = content.pop("wrist_roll")
    path.write_text(json.dumps(content))
    with pytest.raises(ConnectError) as caught:
        SoFollower(config()).connect()
    for part in ("wrist_roll: missing", "wrist_yaw: this arm has no such motor", "shoulder_pan.id: 2, but the motor has id 1"):
        assert part in str(caught.value)


def test_every_missing_or_wrong_motor_is_named_at_once(config: Config, twin: Any) -> None:
    twin.chain.faults.dead.add(MOTORS["wrist_roll"].id)
    twin.servo("gripper").set("Model_Number", 1284)
    with pytest.raises(ConnectError, match=r"(?s)wrist_roll \(id 5\) does not answer.*gripper \(id 6\) is model 1284, not 777"):
        SoFollower(config()).connect()


def test_mixed_firmware_is_refused(config: Config, twin: Any) -> None:
    twin.servo("gripper").set("Firmware_Minor_Version", 9)
    with pytest.raises(ConnectError, match=r"gripper: firmware 3\.9"):
        SoFollower(config()).connect()


def test_limits_come_from_the_calibration_before_connect(config: Config) -> None:
    pan, *_, gripper = So101Follower(config()).action_signals
    assert pan.unit == "deg"
    assert (pan.limits.lower, pan.limits.upper) == pytest.approx((-1100 * 360 / 4095, 1100 * 360 / 4095))
    assert gripper.unit == "%"
    assert (gripper.limits.lower, gripper.limits.upper) == (0, 100)


def test_positions_in_percent_of_the_range(config: Config, twin: Any) -> None:
    arm = SoFollower(config(use_degrees=False))
    arm.connect()
    twin.push("shoulder_pan", 2550)
    assert arm.read(soon()).vector.as_dict()["shoulder_pan.pos"] == pytest.approx(50)
    arm.disconnect()


def test_targets_reach_the_wire_as_steps(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    twin.goals.clear()
    arm.write(Vector(CHANNELS[::-1], [0, 1000, 45, 0, 0, 0][::1]))
    arm.read(soon())
    expected = {1: 2000, 2: 2000, 3: 2000, 4: round(2000 + 45 * 4095 / 360), 5: 3100, 6: 900}
    assert twin.goals == [expected]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("use_degrees", [True, False])
@pytest.mark.parametrize("cap", [None, 5.0])
def test_one_wrong_number_and_nothing_is_sent(
    config: Config, twin: Any, wrong: float, use_degrees: bool, cap: float | None
) -> None:
    arm = SoFollower(config(use_degrees=use_degrees, max_relative_target=cap))
    arm.connect()
    arm.read(soon())
    twin.goals.clear()
    for channel in range(6):
        values = np.zeros(6)
        values[channel] = wrong
        with pytest.raises(SafetyStop, match=JOINTS[channel]):
            arm.write(Vector(CHANNELS, values))
    arm.read(soon())
    assert twin.goals == []
    arm.disconnect()


def test_max_relative_target_is_left_to_the_governor(config: Config) -> None:
    caps = {**dict.fromkeys(JOINTS, 10.0), "gripper": 1.0}
    signals = SoFollower(config(max_relative_target=caps)).action_signals
    assert {signal.name: signal.limits.tracking for signal in signals} == {f"{joint}.pos": cap for joint, cap in caps.items()}
    assert {signal.limits.tracking for signal in SoFollower(config()).action_signals} == {math.inf}


@pytest.mark.parametrize("given", [{"gripper": 1.0}, 0.0, {**dict.fromkeys(JOINTS, 1.0), "gripper": -1.0}])
def test_a_max_relative_target_that_makes_no_sense_is_refused(config: Config, given: Any) -> None:
    with pytest.raises(ConfigError, match="max_relative_target"):
        SoFollower(config(max_relative_target=given))


def test_a_joint_that_does_not_answer_is_not_fresh(arm: SoFollower, twin: Any) -> None:
    first = arm.read(soon())
    assert first.complete
    twin.push("shoulder_pan", 2100)
    twin.chain.faults.dead.add(MOTORS["gripper"].id)
    second = arm.read(soon())
    assert second.fresh.tolist() == [True] * 5 + [False]
    assert second.times[-1] == first.times[-1]
    assert second.values[-1] == first.values[-1]
    assert second.values[0] != first.values[0]
    assert first.values[0] == pytest.approx(-100 * 360 / 4095)


def test_hold_agrees_in_spite_of_lost_answers(arm: SoFollower, twin: Any) -> None:
    twin.chain.faults.corrupt = 0.05
    arm.hold()
    twin.chain.faults.corrupt = 0.0
    assert all(twin.servo(joint).get("Torque_Enable") == 1 for joint in JOINTS)
    assert all(twin.servo(joint).get("Goal_Position") == 1900 for joint in JOINTS)


def test_hold_stops_the_joints_that_answer_before_it_reports_the_one_that_does_not(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    arm.write(Vector(CHANNELS, [90, 90, 90, 90, 90, 50]))
    twin.chain.faults.dead.add(MOTORS["gripper"].id)
    with pytest.raises(DeviceLost, match="gripper"):
        arm.hold()
    held = [twin.servo(joint).get("Goal_Position") for joint in JOINTS[:-1]]
    assert max(held) < 2000 + 80 * 4095 / 360


def test_connecting_survives_damaged_answers(config: Config, twin: Any) -> None:
    twin.chain.faults.corrupt = 0.02
    arm = SoFollower(config())
    arm.connect()
    twin.chain.faults.corrupt = 0.0
    assert arm.calibrated
    arm.disconnect()


def test_a_motor_is_set_up_and_diagnosed(config: Config, twin: Any) -> None:
    arm = SoFollower(config())
    assert arm.motors_to_set_up()[0] == "gripper"
    assert [row["state"] for row in arm.diagnose()] == ["well"] * 6
    twin.chain.faults.dead.update(set(twin.chain.servos) - {6})
    twin.servo("gripper").set("Baud_Rate", 1)
    arm.set_up_motor("gripper")
    assert twin.servo("gripper").get("Baud_Rate") == 0


def test_torque_comes_on_after_the_goal(arm: SoFollower, twin: Any) -> None:
    twin.forget()
    arm.set_torque(True)
    for joint in JOINTS:
        assert twin.servo(joint).written == [("Goal_Position", 1900), ("Torque_Enable", 1)]


def test_joints_that_are_on_already_keep_their_target(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    twin.servo("gripper").store(40, b"\0")
    twin.forget()
    arm.set_torque(True)
    assert {joint for joint, *_ in twin.written()} == {"gripper"}


def test_a_joint_that_does_not_take_torque_is_a_loss(arm: SoFollower, twin: Any) -> None:
    twin.chain.faults.dead.add(MOTORS["elbow_flex"].id)
    with pytest.raises(DeviceLost, match="elbow_flex"):
        arm.set_torque(False)


def test_a_limp_joint_far_outside_its_range_is_not_switched_on(arm: SoFollower, twin: Any) -> None:
    twin.push("wrist_flex", 3300)
    for switch in (arm.hold, lambda: arm.set_torque(True)):
        with pytest.raises(SafetyStop, match="wrist_flex outside the calibrated range"):
            switch()
    assert arm.torque() is False


def test_a_torqued_arm_outside_its_range_still_holds(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    twin.push("wrist_flex", 3300)
    arm.hold()
    assert twin.servo("wrist_flex").get("Goal_Position") == 3100


def test_unplugged_and_plugged_in_again_the_arm_is_where_it_was(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    twin.bus.unplug()
    with pytest.raises(DeviceLost, match=str(twin.bus.port)):
        arm.read(soon())
    arm.disconnect()
    with pytest.raises(ConnectError, match="no such port"):
        arm.connect()
    twin.bus.replug()
    arm.connect()
    assert arm.torque() is True
    assert arm.read(soon()).complete


def test_a_calibration_that_was_written_meanwhile_is_read(config: Config, twin: Any) -> None:
    path = twin.folder / "black.json"
    path.unlink()
    arm = SoFollower(config())
    with pytest.raises(ConnectError):
        arm.connect()
    save_calibration(path, twin.calibration)
    arm.connect()
    assert arm.calibrated
    arm.disconnect()


def test_an_arm_of_which_one_joint_is_limp_is_neither_stiff_nor_limp(arm: SoFollower, twin: Any) -> None:
    arm.hold()
    assert arm.torque() is True
    twin.servo("elbow_flex").power_up()
    assert arm.torque() is None


def test_it_says_who_it_is(arm: SoFollower, twin: Any) -> None:
    said = arm.identify()
    assert said["port"] == twin.bus.port
    assert said["firmware"] == "3.10"
    assert said["homing_offsets"] == "-200 -100 0 100 200 300"


def test_connecting_survives_a_bus_that_is_silent_for_a_moment(config: Config, twin: Any) -> None:
    """300 ms, wherever in connecting and holding they fall."""
    for after_s in (0.0, 0.003, 0.02, 0.05):
        arm = SoFollower(config())
        cut = threading.Timer(after_s, lambda: setattr(twin.chain.faults, "cut", True))
        mended = threading.Timer(after_s + 0.3, lambda: setattr(twin.chain.faults, "cut", False))
        cut.start()
        mended.start()
        arm.connect()
        arm.hold()
        cut.join()
        mended.join()
        assert arm.torque() is True
        arm.disconnect()
