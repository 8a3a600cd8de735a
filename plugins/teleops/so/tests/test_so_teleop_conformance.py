"""The conformance kit and what is particular to a leader, over the emulated servo chain."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from hilt_hooks import SafetyStop, TeleoperatorDescriptor, Vector
from hilt_hooks.testing import Check, Rig, check_teleoperator, conformance
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.units import Scale
from hilt_robot_so.motors import JOINTS, units
from hilt_teleop_so.config import SoLeaderConfig
from hilt_teleop_so.leader import So101Leader
from hilt_teleop_so.plugin import hilt_teleoperators

CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)
CALIBRATION = {
    joint: MotorCalibration(id=id, drive_mode=0, homing_offset=-50 * id, range_min=900, range_max=3100)
    for id, joint in enumerate(JOINTS, start=1)
}
LEADERS = {descriptor.name: descriptor for descriptor in hilt_teleoperators()}


class NotingPlant(FirstOrderPlant):
    """Keeps every command of the servos."""

    def __init__(self) -> None:
        super().__init__({motor.id: 1900.0 + motor.homing_offset for motor in CALIBRATION.values()}, top_speed=2000)
        self.commands: list[tuple[int, float | None, float]] = []

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        self.commands.append((motor_id, goal, torque_limit))
        super().command(motor_id, goal, torque_limit)


@contextmanager
def emulated() -> Iterator[tuple[PtyBus, NotingPlant, SoLeaderConfig]]:
    plant = NotingPlant()
    chain = ServoChain([EmulatedServo(motor.id) for motor in CALIBRATION.values()], plant)
    preset_calibration(chain, CALIBRATION)
    with TemporaryDirectory() as folder:
        save_calibration(Path(folder) / "blue.json", CALIBRATION)
        bus = PtyBus(chain)
        with serving(bus):
            yield bus, plant, SoLeaderConfig(port=bus.port, id="blue", calibration_dir=Path(folder))


@contextmanager
def rig() -> Iterator[Rig]:
    scale = Scale.of(list(units(True).items()), CALIBRATION)
    with emulated() as (bus, plant, config):

        def pose() -> dict[str, float]:
            at = np.array([plant.position(motor.id) - motor.homing_offset for motor in CALIBRATION.values()])
            return dict(zip(CHANNELS, scale.values(at).tolist(), strict=True))

        dead = bus.chain.faults.dead
        yield Rig(config=config, unplug=bus.unplug, mute=lambda: dead.update(bus.chain.servos), pose=pose)


def checks(descriptor: TeleoperatorDescriptor) -> Iterator[Check]:
    return check_teleoperator(descriptor, rig, robot_actions=CHANNELS, module="hilt_teleop_so.plugin")


@conformance(checks(LEADERS["so101_leader"]))
def test_so101(check: Check) -> None:
    check.run()


@conformance(checks(LEADERS["so100_leader"]))
def test_so100(check: Check) -> None:
    check.run()


@pytest.fixture
def leader() -> Iterator[tuple[So101Leader, PtyBus, NotingPlant]]:
    with emulated() as (bus, plant, config):
        leader = So101Leader(config)
        leader.connect()
        yield leader, bus, plant
        leader.disconnect()


def test_torque_is_capped_before_it_comes_on(leader: tuple[So101Leader, PtyBus, NotingPlant]) -> None:
    arm, _, plant = leader
    plant.commands.clear()
    arm.set_torque(True)
    driven = [(goal, limit) for _, goal, limit in plant.commands if goal is not None]
    assert driven
    assert all(limit == pytest.approx(0.3) for _, limit in driven)


def test_the_first_target_is_where_the_leader_is(leader: tuple[So101Leader, PtyBus, NotingPlant]) -> None:
    arm, bus, plant = leader
    for servo in bus.chain.servos.values():
        servo.set("Goal_Position", 3000)
    arm.set_torque(True)
    goals = {motor_id: goal for motor_id, goal, _ in plant.commands if goal is not None}
    assert goals == {motor.id: pytest.approx(1900 + motor.homing_offset) for motor in CALIBRATION.values()}


def test_mirroring_sends_one_packet_and_none_while_the_hand_has_the_arm(
    leader: tuple[So101Leader, PtyBus, NotingPlant],
) -> None:
    arm, bus, _ = leader
    target = Vector(CHANNELS, np.zeros(6))
    arm.set_torque(True)
    goals: list[dict[int, int]] = []
    bus.on_sync_write.append(lambda _, sent: goals.append(dict(sent)))
    arm.mirror(target)
    arm.set_torque(False)
    arm.mirror(target)
    arm.read(time.monotonic_ns() + 500_000_000)
    assert goals == [{1: 2000, 2: 2000, 3: 2000, 4: 2000, 5: 2000, 6: 900}]


def test_a_wrong_number_is_refused_even_when_nothing_would_be_sent(leader: tuple[So101Leader, PtyBus, NotingPlant]) -> None:
    arm, _, _ = leader
    with pytest.raises(SafetyStop, match="gripper"):
        arm.mirror(Vector(CHANNELS, [0, 0, 0, 0, 0, np.nan]))


def test_a_leader_that_was_left_torqued_mirrors_on(leader: tuple[So101Leader, PtyBus, NotingPlant]) -> None:
    arm, bus, _ = leader
    arm.set_torque(True)
    arm.disconnect()
    arm.connect()
    goals: list[dict[int, int]] = []
    bus.on_sync_write.append(lambda _, sent: goals.append(dict(sent)))
    arm.mirror(Vector(CHANNELS, np.zeros(6)))
    arm.read(time.monotonic_ns() + 500_000_000)
    assert len(goals) == 1
