"""The conformance kit on a pair of leaders, each on its own emulated servo chain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilt_hooks.testing import Check, Rig, check_teleoperator, conformance
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.units import Scale
from hilt_robot_so.motors import JOINTS, units
from hilt_teleop_so.config import SoLeaderConfig
from hilt_teleop_so.plugin import hilt_teleoperators

SIDES = ("left", "right")
CHANNELS = tuple(f"{side}_{joint}.pos" for side in SIDES for joint in JOINTS)
CALIBRATION = {
    joint: MotorCalibration(id=id, drive_mode=0, homing_offset=-50 * id, range_min=900, range_max=3100)
    for id, joint in enumerate(JOINTS, start=1)
}
PAIR = next(row for row in hilt_teleoperators() if row.name == "bi_so_leader")


@contextmanager
def rig() -> Iterator[Rig]:
    """Calibrated under the names that the arms get from the pair. Unplugging takes the left arm away."""
    start = {motor.id: 1900.0 + motor.homing_offset for motor in CALIBRATION.values()}
    plants = {side: FirstOrderPlant(start, top_speed=2000) for side in SIDES}
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
        arms = {side: SoLeaderConfig(port=bus.port, calibration_dir=Path(folder)) for side, bus in buses.items()}
        for side, bus in buses.items():
            preset_calibration(bus.chain, CALIBRATION)
            save_calibration(Path(folder) / f"blue_{side}.json", CALIBRATION)
        config = PAIR.config(id="blue", left_arm_config=arms["left"], right_arm_config=arms["right"])
        with serving(*buses.values()):
            yield Rig(config=config, unplug=buses["left"].unplug, mute=mute, pose=pose)


@conformance(check_teleoperator(PAIR, rig, robot_actions=CHANNELS, module="hilt_teleop_so.plugin"))
def test_pair(check: Check) -> None:
    check.run()
