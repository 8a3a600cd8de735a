"""A pair of SO arms, each on its own emulated servo chain, as the conformance kit wants it: of followers or of leaders."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import define, field

from hilt_hooks import Descriptor
from hilt_hooks.testing import Rig
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.units import Scale
from hilt_robot_so.motors import JOINTS, units

SIDES = ("left", "right")


@define
class EmulatedArm:
    """homing: the offset of the first servo, in steps; that of the n-th is n times as large."""

    homing: int
    calibration: Mapping[str, MotorCalibration] = field(init=False)
    plant: FirstOrderPlant = field(init=False)
    bus: PtyBus = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.calibration = {
            joint: MotorCalibration(id=id, drive_mode=0, homing_offset=self.homing * id, range_min=900, range_max=3100)
            for id, joint in enumerate(JOINTS, start=1)
        }
        motors = self.calibration.values()
        self.plant = FirstOrderPlant({motor.id: 1900.0 + motor.homing_offset for motor in motors}, top_speed=2000)
        self.bus = PtyBus(ServoChain([EmulatedServo(motor.id) for motor in motors], self.plant))
        preset_calibration(self.bus.chain, self.calibration)

    def mute(self) -> None:
        self.bus.chain.faults.dead.update(self.bus.chain.servos)

    def pose(self) -> dict[str, float]:
        """Joint -> where it is, in the arm's own units."""
        at = [self.plant.position(motor.id) - motor.homing_offset for motor in self.calibration.values()]
        values = Scale.of(list(units(True).items()), self.calibration).values(at)
        return dict(zip(JOINTS, map(float, values), strict=True))


@contextmanager
def pair_rig(descriptor: Descriptor, arm: type, *, homing: int, unplugged: str) -> Iterator[Rig]:
    """Calibrated under the names that the arms get from the pair. arm: the config class of one. unplugged: a side."""
    arms = {side: EmulatedArm(homing) for side in SIDES}

    def pose() -> dict[str, float]:
        return {f"{side}_{joint}.pos": value for side, each in arms.items() for joint, value in each.pose().items()}

    def mute() -> None:
        for each in arms.values():
            each.mute()

    with TemporaryDirectory() as folder:
        for side, each in arms.items():
            save_calibration(Path(folder) / f"black_{side}.json", each.calibration)
        configs = {f"{side}_arm_config": arm(port=each.bus.port, calibration_dir=Path(folder)) for side, each in arms.items()}
        with serving(*(each.bus for each in arms.values())):
            yield Rig(config=descriptor.config(id="black", **configs), unplug=arms[unplugged].bus.unplug, mute=mute, pose=pose)
