"""An emulated SO arm that notes what is written to its servos."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, field

from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, preset_calibration, serving
from hilt_motor_feetech.table import REGISTERS
from hilt_robot_so.config import SoFollowerConfig
from hilt_robot_so.motors import JOINTS, MOTORS

sys.path.insert(0, str(Path(__file__).parent))  # for what several tests share

_NAMES = {register.address: register.name for register in REGISTERS.values()}


class NotingServo(EmulatedServo):
    """Keeps (register, value) of everything that came over the wire. refuses: what it does not do."""

    def __init__(self, id: int) -> None:
        self.written: list[tuple[str, int]] = []
        self.refuses: tuple[str, int] | None = None
        super().__init__(id)

    def store(self, address: int, data: bytes) -> None:
        if (_NAMES[address], data[0]) == self.refuses:
            return
        super().store(address, data)
        self.written.append((_NAMES[address], self.get(_NAMES[address])))


@define
class Twin:
    """joints start 100 steps below mid range."""

    folder: Path
    plant: FirstOrderPlant
    chain: ServoChain
    bus: PtyBus
    calibration: dict[str, MotorCalibration]
    goals: list[dict[int, int]] = field(factory=list)

    def servo(self, joint: str) -> NotingServo:
        servo = self.chain.servos[MOTORS[joint].id]
        assert isinstance(servo, NotingServo)
        return servo

    def written(self) -> list[tuple[str, str, int]]:
        return [(joint, *entry) for joint in JOINTS for entry in self.servo(joint).written]

    def forget(self) -> None:
        for joint in JOINTS:
            self.servo(joint).written.clear()
        self.goals.clear()

    def stiffen(self) -> None:
        """Torque on at the present position, as an earlier session left it."""
        for joint in JOINTS:
            servo = self.servo(joint)
            servo.set("Goal_Position", round(self.plant.position(servo.id)) - servo.get("Homing_Offset"))
            servo.set("Torque_Enable", 1)
            servo.drive(self.plant)

    def push(self, joint: str, steps: int) -> None:
        """Put a joint where it reports `steps`."""
        self.plant.push(MOTORS[joint].id, steps + self.calibration[joint].homing_offset)

    def present(self, joint: str) -> float:
        return self.plant.position(MOTORS[joint].id) - self.calibration[joint].homing_offset


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    calibration = {
        joint: MotorCalibration(id=motor.id, drive_mode=0, homing_offset=100 * motor.id - 300, range_min=900, range_max=3100)
        for joint, motor in MOTORS.items()
    }
    plant = FirstOrderPlant({motor.id: 1900.0 + motor.homing_offset for motor in calibration.values()})
    chain = ServoChain([NotingServo(motor.id) for motor in calibration.values()], plant)
    preset_calibration(chain, calibration)
    save_calibration(tmp_path / "black.json", calibration)
    bus = PtyBus(chain, link=tmp_path / "port")
    twin = Twin(tmp_path, plant, chain, bus, calibration)
    bus.on_sync_write.append(lambda _, goals: twin.goals.append(dict(goals)))
    with serving(bus):
        yield twin


@pytest.fixture
def config(twin: Twin) -> Callable[..., SoFollowerConfig]:
    return lambda **fields: SoFollowerConfig(port=twin.bus.port, id="black", calibration_dir=twin.folder, **fields)
