"""The conformance kit on both follower types, over the emulated servo chain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilt_hooks import RobotDescriptor
from hilt_hooks.testing import Check, Rig, check_robot, conformance
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.units import Scale
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.motors import JOINTS, units
from hilt_robot_so.plugin import hilt_robots

CALIBRATION = {
    joint: MotorCalibration(id=id, drive_mode=0, homing_offset=100 * id, range_min=900, range_max=3100)
    for id, joint in enumerate(JOINTS, start=1)
}
ROBOTS = {descriptor.name: descriptor for descriptor in hilt_robots()}


@contextmanager
def rig() -> Iterator[Rig]:
    plant = FirstOrderPlant({motor.id: 1900.0 + motor.homing_offset for motor in CALIBRATION.values()}, top_speed=2000)
    chain = ServoChain([EmulatedServo(motor.id) for motor in CALIBRATION.values()], plant)
    preset_calibration(chain, CALIBRATION)
    scale = Scale.of(list(units(True).items()), CALIBRATION)

    def pose() -> dict[str, float]:
        at = [plant.position(motor.id) - motor.homing_offset for motor in CALIBRATION.values()]
        return {f"{joint}.pos": float(value) for joint, value in zip(JOINTS, scale.values(at), strict=True)}

    with TemporaryDirectory() as folder:
        save_calibration(Path(folder) / "black.json", CALIBRATION)
        bus = PtyBus(chain)
        with serving(bus):
            yield Rig(
                config=SoFollowerConfig(port=bus.port, id="black", calibration_dir=Path(folder)),
                unplug=bus.unplug,
                mute=lambda: chain.faults.dead.update(chain.servos),
                pose=pose,
            )


def checks(descriptor: RobotDescriptor) -> Iterator[Check]:
    return check_robot(descriptor, rig, module="hilt_robot_so.plugin")


@conformance(checks(ROBOTS["so101_follower"]))
def test_so101(check: Check) -> None:
    check.run()


@conformance(checks(ROBOTS["so100_follower"]))
def test_so100(check: Check) -> None:
    check.run()


def test_registered_types() -> None:
    assert set(ROBOTS) == {"so100_follower", "so101_follower", "bi_so_follower"}
