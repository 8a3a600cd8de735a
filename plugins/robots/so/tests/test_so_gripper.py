"""A gripper that holds something is neither burnt nor opened, and is never stuck afterwards."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hilt_hooks import DeviceLost, Vector
from hilt_hooks.bimanual import pair_class
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.follower import So101Follower, SoFollower
from hilt_robot_so.motors import JOINTS, MOTORS

CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)
GRIPPER = MOTORS["gripper"].id
TICK_NS = 10_000_000
PATIENCE_S = 20.0
SQUEEZE, OPEN = 20.0, 60.0
"""Percent; the object keeps the gripper at some 36 %."""


class Operator:
    """Commands the arm every 10 ms."""

    def __init__(self, arm: SoFollower, twin: Any) -> None:
        self.arm, self.twin = arm, twin

    def hold(self, gripper: float, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < end, (self.arm.warnings(), self.twin.written()[-5:])
            due = time.monotonic_ns() + TICK_NS
            self.arm.write(Vector(CHANNELS, np.array([0, 0, 0, 0, 0, gripper])))
            self.arm.read(due - TICK_NS // 2)
            time.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))

    def squeeze(self) -> None:
        """Until the servo protects itself, for once within a tenth of a second."""
        self.twin.servo("gripper").set("Protection_Time", 10)
        self.hold(SQUEEZE, lambda: any("gripper: overload" in text for text in self.arm.warnings()))
        self.twin.servo("gripper").set("Protection_Time", 200)

    @property
    def switched(self) -> list[int]:
        return [value for joint, register, value in self.twin.written() if (joint, register) == ("gripper", "Torque_Enable")]


@pytest.fixture
def operator(config: Callable[..., SoFollowerConfig], twin: Any) -> Iterator[Operator]:
    """The arm holds; something rigid is between its fingers."""
    arm = So101Follower(config())
    arm.connect()
    twin.plant.block(GRIPPER, lower=1700 + twin.calibration["gripper"].homing_offset)
    arm.hold()
    twin.forget()
    yield Operator(arm, twin)
    arm.disconnect()


def test_what_is_held_is_held_with_less_force_and_not_dropped(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    ends = time.monotonic() + 0.5
    operator.hold(SQUEEZE, lambda: time.monotonic() > ends)
    assert operator.switched == []
    assert twin.plant.load(GRIPPER) == pytest.approx(-0.2)
    assert any("gets its force back when it is opened" in text for text in operator.arm.warnings())


def test_opening_clears_the_overload_without_a_power_cycle_and_without_a_jump(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    twin.goals.clear()
    operator.hold(OPEN, lambda: twin.present("gripper") > 2200 and not twin.servo("gripper").protection.bits)
    assert operator.switched[:2] == [0, 1]
    assert set(operator.switched[1:]) == {1}
    goals = [goal[GRIPPER] for goal in twin.goals]
    assert goals[0] == pytest.approx(1700, abs=25)
    assert max(abs(after - before) for before, after in itertools.pairwise(goals)) < 1000, "no faster than three strokes a second"
    assert goals[-1] == 2220


def test_an_overload_is_not_cleared_at_where_the_gripper_was_before_something_else_took_the_bus(
    operator: Operator, twin: Any
) -> None:
    operator.squeeze()
    assert operator.arm.torque()
    twin.plant.push(GRIPPER, 1900 + twin.calibration["gripper"].homing_offset)
    twin.goals.clear()
    operator.hold(OPEN, lambda: not twin.servo("gripper").protection.bits)
    switched_at = next(goal[GRIPPER] for goal in twin.goals if goal[GRIPPER] != 2220)
    assert switched_at == pytest.approx(1900, abs=100)


def test_a_gripper_that_is_spared_at_this_moment_does_not_make_the_arm_limp(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    operator.arm.write(Vector(CHANNELS, np.array([0, 0, 0, 0, 0, OPEN])))
    end = time.monotonic() + PATIENCE_S
    while operator.switched != [0, 1]:
        assert time.monotonic() < end, operator.switched
    twin.servo("gripper").set("Torque_Enable", 0)  # as if the packet that switches it on again was lost
    assert operator.arm.torque() is True


def test_a_gripper_whose_packets_are_damaged_ends_up_stiff(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    twin.chain.faults.corrupt = 0.3
    operator.hold(OPEN, lambda: twin.present("gripper") > 2200)
    twin.chain.faults.corrupt = 0.0
    operator.hold(OPEN, lambda: not operator.arm.warnings())
    assert twin.servo("gripper").get("Torque_Enable") == 1
    assert twin.servo("gripper").protection.bits == 0


def test_a_gripper_that_does_not_get_its_torque_back_is_lost_like_any_motor(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    twin.servo("gripper").refuses = ("Torque_Enable", 1)
    with pytest.raises(DeviceLost, match="no torque any more on gripper"):
        operator.hold(OPEN, lambda: False)


def test_an_overload_that_stays_is_told_and_not_hammered_at(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    twin.chain.faults.overloaded.add(GRIPPER)
    operator.hold(OPEN, lambda: any("does not clear" in text for text in operator.arm.warnings()))
    assert operator.switched.count(0) == 3
    assert twin.servo("gripper").get("Torque_Enable") == 1


def test_a_hot_gripper_grips_gently_until_it_has_cooled(operator: Operator, twin: Any) -> None:
    twin.chain.faults.hot[GRIPPER] = 62.0
    operator.hold(50.0, lambda: twin.servo("gripper").get("Torque_Limit") == 200)
    operator.hold(50.0, lambda: len(operator.arm.warnings()) == 2)
    hot, gentle = operator.arm.warnings()
    assert hot.startswith("gripper: hot")
    assert gentle == "gripper: it grips with 20 % until it has cooled"
    twin.chain.faults.hot[GRIPPER] = 40.0
    operator.hold(50.0, lambda: twin.servo("gripper").get("Torque_Limit") == 500)
    operator.hold(50.0, lambda: operator.arm.warnings() == ())
    assert operator.switched == []


def test_a_joint_that_carries_the_arm_is_never_switched_off(operator: Operator, twin: Any) -> None:
    twin.chain.faults.overloaded.add(MOTORS["shoulder_lift"].id)
    twin.chain.faults.hot[MOTORS["elbow_flex"].id] = 62.0
    operator.hold(50.0, lambda: len(operator.arm.warnings()) == 2)
    lift, elbow = operator.arm.warnings()
    assert lift.startswith("shoulder_lift: overload")
    assert elbow.startswith("elbow_flex: hot")
    assert not [entry for entry in twin.written() if entry[1] in ("Torque_Enable", "Torque_Limit")]


def test_a_pair_tells_which_arm_it_is(operator: Operator, twin: Any) -> None:
    twin.chain.faults.overloaded.add(MOTORS["shoulder_pan"].id)
    operator.arm.read(time.monotonic_ns() + 500_000_000)
    pair: Any = pair_class("robot", frozenset({"warn"}))(operator.arm, operator.arm)
    assert [text.split(" (")[0] for text in pair.warnings()] == ["left_shoulder_pan: overload", "right_shoulder_pan: overload"]


def test_the_limits_are_on_from_the_start_and_survive_a_power_cycle(operator: Operator, twin: Any) -> None:
    expected = {"Max_Torque_Limit": 500, "Torque_Limit": 500, "Protection_Current": 250, "Overload_Torque": 25}
    gripper = twin.servo("gripper")
    assert {name: gripper.get(name) for name in expected} == expected
    gripper.power_up()
    assert {name: gripper.get(name) for name in expected} == expected


def test_a_target_that_is_no_number_reaches_no_gripper(operator: Operator, twin: Any) -> None:
    operator.squeeze()
    twin.goals.clear()
    with pytest.raises(Exception, match="gripper"):
        operator.arm.write(Vector(CHANNELS, np.array([0, 0, 0, 0, 0, math.nan])))
    assert twin.goals == []
