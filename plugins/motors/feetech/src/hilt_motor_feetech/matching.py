"""Whether motors and a calibration file say the same, and whose file it is if they do not."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hilt_hooks import ConfigError
from hilt_motor_feetech import access
from hilt_motor_feetech.bus import FeetechBus
from hilt_motor_feetech.calibration import Calibration, CalibrationPlace, MotorCalibration, load_calibration
from hilt_motor_feetech.table import STEPS

Registers = Mapping[str, Mapping[str, int]]
"""Register -> motor -> value."""

KEPT: Mapping[str, Callable[[MotorCalibration], int]] = {
    "Homing_Offset": lambda motor: motor.homing_offset,
    "Min_Position_Limit": lambda motor: motor.range_min,
    "Max_Position_Limit": lambda motor: motor.range_max,
}
"""The registers in which a motor keeps its calibration."""
_FIELDS = {"Homing_Offset": "homing_offset", "Min_Position_Limit": "range_min", "Max_Position_Limit": "range_max"}
_FACTORY = {"Homing_Offset": 0, "Min_Position_Limit": 0, "Max_Position_Limit": STEPS - 1}


def kept_by(bus: FeetechBus) -> Registers:
    """What the motors have. Raises DeviceLost."""
    return {register: access.of_all(bus, register) for register in KEPT}


def disagreements(registers: Registers, calibration: Calibration) -> list[str]:
    """Between file and motors, one line each."""
    return [
        f"{motor}.{_FIELDS[register]}: {wanted} in the file, {value} in the motor"
        for register, of in KEPT.items()
        for motor, value in registers[register].items()
        if value != (wanted := of(calibration[motor]))
    ]


def uncalibrated(registers: Registers) -> bool:
    """Whether no motor was ever calibrated."""
    return all(value == _FACTORY[register] for register, values in registers.items() for value in values.values())


def owner(registers: Registers, place: CalibrationPlace) -> Path | None:
    """The file of another arm that says what these motors say: then it is that arm which is plugged in."""
    return next((path for path in place.others() if _fits(path, registers)), None)


def usable(path: Path, ids: Mapping[str, int]) -> Calibration:
    """The calibration of these motors (name -> id). Raises ConfigError with everything that is wrong in the file."""
    try:
        calibration = load_calibration(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    if problems := list(_problems(path, calibration, ids)):
        raise ConfigError(problems)
    return calibration


def _problems(path: Path, calibration: Calibration, ids: Mapping[str, int]) -> Iterable[str]:
    yield from (f"{path}: {motor}: missing" for motor in ids if motor not in calibration)
    yield from (f"{path}: {motor}: this arm has no such motor" for motor in calibration if motor not in ids)
    for motor, id in ids.items():
        if motor in calibration and calibration[motor].id != id:
            yield f"{path}: {motor}.id: {calibration[motor].id}, but the motor has id {id}"


def _fits(path: Path, registers: Registers) -> bool:
    try:
        calibration = load_calibration(path)
    except (ConfigError, OSError):
        return False
    motors = registers["Homing_Offset"].keys()
    return calibration.keys() == motors and not uncalibrated(registers) and not disagreements(registers, calibration)
