"""The conformance kit on a pair of followers, each on its own emulated servo chain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilt_hooks.testing import Check, Rig, check_robot, conformance
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.units import Scale
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.motors import JOINTS, units
from hilt_robot_so.plugin import hilt_robots

SIDES = ("left", "right")
CALIBRATION = {
    joint: MotorCalibration(id=id, drive_mode=0, homing_offset=100 * id, range_min=900, range_max=3100)
    for id, joint in enumerate(JOINTS, start=1)
}
PAIR = next(row for row in hilt_robots() if row.name == "bi_so_follower")


@contextmanager
def rig() -> Iterator[Rig]:
    """Calibrated under the names that the arms get from the pair. Unplugging takes the right arm away."""
    plants = {
        side: FirstOrderPlant({motor.id: 1900.0 + motor.homing_offset for motor in CALIBRATION.values()}, top_speed=2000)
        for side in SIDES
    }
    buses = {
        side: PtyBus(ServoChain([EmulatedServo(motor.id) for motor in CALIBRATION.values()], plants[side])) for side in SIDES
    }
    scale = Scale.of(list(units(True).items()), CALIBRATION)

    def pose() -> dict[str, float]:
        found = {}
        for side, plant in plants.items():
            at = [plant.position(motor.id) - motor.homing_offset for motor in CALIBRATION.values()]
            found |= {f"{side}_{joint}.pos": float(value) for joint, value in zip(JOINTS, scale.values(at), strict=True)}
        return found

    def mute() -> None:
        for bus in buses.values():
            bus.chain.faults.dead.update(bus.chain.servos)

    with TemporaryDirectory() as folder:
        arms = {side: SoFollowerConfig(port=bus.port, calibration_dir=Path(folder)) for side, bus in buses.items()}
        for side, bus in buses.items():
            preset_calibration(bus.chain, CALIBRATION)
            save_calibration(Path(folder) / f"black_{side}.json", CALIBRATION)
        config = PAIR.config(id="black", left_arm_config=arms["left"], right_arm_config=arms["right"])
        with serving(*buses.values()):
            yield Rig(config=config, unplug=buses["right"].unplug, mute=mute, pose=pose)


@conformance(check_robot(PAIR, rig, module="hilt_robot_so.plugin"))
def test_pair(check: Check) -> None:
    check.run()
