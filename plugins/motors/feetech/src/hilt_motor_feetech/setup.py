"""Give a new motor its id and baud rate, once it is certain that it is the right one, alone, and on the right supply."""

from collections.abc import Mapping

from attrs import frozen

from hilt_hooks import ConnectError, DeviceLost, FoundMotor
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.scan import SCAN_RATES, Found, scan
from hilt_motor_feetech.table import BAUD_RATES, MODELS, STEPS

FACTORY_ID = 1
"""What every servo is delivered with; it may also be the first of an arm."""

_BAUD_CODE = 0
_BAUD = BAUD_RATES[_BAUD_CODE]
_NAME = "motor"
_PING_S = 0.1
_LOOK_S = 0.3

_UNTOUCHED: Mapping[str, int] = {"Homing_Offset": 0, "Min_Position_Limit": 0, "Max_Position_Limit": STEPS - 1}
"""What a servo has that nobody has calibrated."""
_LOOKED_AT = (
    "Firmware_Major_Version",
    "Firmware_Minor_Version",
    "Min_Voltage_Limit",
    "Max_Voltage_Limit",
    "Present_Voltage",
    "Present_Position",  # of two motors with the same id, this is what differs: their answers then damage each other
    *_UNTOUCHED,
)


@frozen
class Candidate:
    """The only motor on the bus, as it is."""

    id: int
    baud: int
    registers: Mapping[str, int]

    @property
    def untouched(self) -> bool:
        """Whether it is as the factory delivers it, as far as that shows."""
        return self.id == FACTORY_ID and all(self.registers[name] == value for name, value in _UNTOUCHED.items())


def find(port: str, name: str, wanted: Motor, motors: Mapping[str, Motor]) -> FoundMotor:
    """What `FoundMotor` says. name: of the motor that it is to become. motors: all of the arm. Raises ConnectError."""
    found = _look(port, name, wanted, motors)
    read = found.registers
    firmware = f"{read['Firmware_Major_Version']}.{read['Firmware_Minor_Version']}"
    ids = {motor.id: each for each, motor in motors.items()}
    return FoundMotor(
        description=f"id {found.id}, {_rate(found.baud)}, firmware {firmware}, {read['Present_Voltage'] / 10:.1f} V",
        ready=_is_ready(found, wanted),
        firmware=firmware,
        resembles="" if found.untouched or found.id == wanted.id else ids.get(found.id, f"motor_{found.id}"),
    )


def set_up(port: str, name: str, wanted: Motor, motors: Mapping[str, Motor]) -> None:
    """Whatever id and baud rate the only motor on the bus has, it then has `wanted.id` at 1 Mbit/s. Arguments as of `find`.

    Raises ConnectError, before anything is written, unless exactly one motor, of the right model and well supplied, answers.
    """
    found = _look(port, name, wanted, motors)
    if _is_ready(found, wanted):
        return
    try:
        _assign(port, found, wanted)
        _fasten(port, wanted, found.baud)
    except DeviceLost as error:
        raise ConnectError(f"{port}: {name} was lost while being set up; plug it in again, and try again", [error]) from error


def present(port: str, motors: Mapping[str, Motor]) -> list[str]:
    """The motors that answer under their own ids, with the right model. Raises ConnectError for the port."""
    bus = FeetechBus(port, motors)
    bus.open()
    try:
        return [name for name in motors if bus.ping(name, _PING_S) == bus.expected_model(name) and _speaks_alone(bus, name)]
    except DeviceLost as error:
        raise ConnectError(f"{port}: lost while looking for motors", [error]) from error
    finally:
        bus.close()


def _speaks_alone(bus: FeetechBus, name: str) -> bool:
    """Two motors with the same id give the same answer to a ping, but hardly to where they are."""
    try:
        bus.read("Present_Position", name, _PING_S)
    except DeviceLost:
        return False
    return True


def _is_ready(found: Candidate, wanted: Motor) -> bool:
    return found.id == wanted.id and found.baud == _BAUD


def _look(port: str, name: str, wanted: Motor, motors: Mapping[str, Motor]) -> Candidate:
    """The only motor on the bus, if it can become what is wanted."""
    try:
        seen = next((each for rate in SCAN_RATES for each in scan(port, [rate], _ids(motors))), None)
        if seen is None:
            raise ConnectError(
                f"{port}: no motor answers, at any baud rate: check that {name} is plugged in on both ends of its cable, "
                "and that the adapter has power"
            )
        id = _alone(seen, port, name, motors)
        _check_nobody_else(seen.baud, port, name)
        _check_model(seen.models[id], port, name, wanted)
        candidate = _read(port, id, seen.baud, wanted)
    except DeviceLost as error:
        raise ConnectError(f"{port}: {name} was lost while being looked at", [error]) from error
    _check_supply(candidate.registers, port, name)
    return candidate


def _ids(motors: Mapping[str, Motor]) -> list[int]:
    return sorted({FACTORY_ID, *(motor.id for motor in motors.values())})


def _alone(seen: Found, port: str, name: str, motors: Mapping[str, Motor]) -> int:
    """The id of the only motor that answered."""
    if len(seen.models) > 1:
        names = {motor.id: f"new, or {each}" if motor.id == FACTORY_ID else each for each, motor in motors.items()}
        ids = ", ".join(f"{id} ({names[id]})" if id in names else str(id) for id in seen.models)
        raise ConnectError(f"{port}: {len(seen.models)} motors answer, with the ids {ids}; leave only {name} plugged in")
    if seen.garbled or not seen.models or None in seen.models.values():
        raise _damaged(port, name)
    return next(iter(seen.models))


def _check_nobody_else(baud: int, port: str, name: str) -> None:
    """A motor that was used elsewhere may have been set to another rate."""
    if others := scan(port, [rate for rate in BAUD_RATES.values() if rate != baud], ids=()):
        rates = " and ".join(_rate(each.baud) for each in others)
        raise ConnectError(f"{port}: another motor answers at {rates}; leave only {name} plugged in")


def _damaged(port: str, name: str) -> ConnectError:
    return ConnectError(
        f"{port}: what answers is damaged: several motors with the same id are plugged in (leave only {name}), or a plug is loose"
    )


def _check_model(model: int | None, port: str, name: str, wanted: Motor) -> None:
    if model == MODELS[wanted.model].number:
        return
    known = next((each for each, of in MODELS.items() if of.number == model), "unknown")
    raise ConnectError(
        f"{port}: {name}: this motor is of model {model} ({known}), not {MODELS[wanted.model].number} ({wanted.model}); "
        "plug in the right one"
    )


def _check_supply(read: Mapping[str, int], port: str, name: str) -> None:
    volts, lowest, highest = (read[each] / 10 for each in ("Present_Voltage", "Min_Voltage_Limit", "Max_Voltage_Limit"))
    if volts > highest:
        raise ConnectError(
            f"{port}: {name}: the supply gives {volts:.1f} V, and this motor takes {lowest:.1f} to {highest:.1f} V. Unplug it: "
            "this supply is for another version of the motor, and damages it"
        )
    if volts < lowest:
        raise ConnectError(
            f"{port}: {name}: the supply gives {volts:.1f} V, and this motor needs {lowest:.1f} to {highest:.1f} V: "
            "plug in the power supply of the arm, the one for this version of the motor"
        )


def _read(port: str, id: int, baud: int, wanted: Motor) -> Candidate:
    bus = _opened(port, Motor(id, wanted.model), baud)
    try:
        return Candidate(id, baud, {register: bus.read(register, _NAME, _LOOK_S) for register in _LOOKED_AT})
    except DeviceLost as error:
        raise _damaged(port, "one motor") from error
    finally:
        bus.close()


def _assign(port: str, found: Candidate, wanted: Motor) -> None:
    if found.id == wanted.id:
        return
    bus = _opened(port, Motor(found.id, wanted.model), found.baud)
    try:
        bus.write("Torque_Enable", _NAME, 0)
        bus.write("Lock", _NAME, 0)
        bus.assign("ID", _NAME, wanted.id)
    finally:
        bus.close()


def _fasten(port: str, motor: Motor, baud: int) -> None:
    """Under its own id: the baud rate, then the lock. What the motor then says is what counts."""
    if baud != _BAUD:
        slow = _opened(port, motor, baud)
        try:
            slow.write("Torque_Enable", _NAME, 0)
            slow.write("Lock", _NAME, 0)
            slow.assign("Baud_Rate", _NAME, _BAUD_CODE)
        finally:
            slow.close()
    fast = _opened(port, motor, _BAUD)
    try:
        fast.write("Lock", _NAME, 1)
        if (kept := fast.read("ID", _NAME)) != motor.id:
            raise DeviceLost(f"{port}: the motor keeps id {kept}, not {motor.id}")
    finally:
        fast.close()


def _opened(port: str, motor: Motor, baud: int) -> FeetechBus:
    bus = FeetechBus(port, {_NAME: motor}, baud)
    bus.open()
    return bus


def _rate(baud: int) -> str:
    return f"{baud / 1e6:g} Mbit/s" if baud >= 1_000_000 else f"{baud / 1e3:g} kbit/s"
