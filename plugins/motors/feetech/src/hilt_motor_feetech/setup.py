"""Give a new motor its id and baud rate."""

from hilt_hooks import ConnectError, DeviceLost
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.table import BAUD_RATES, MODEL_NUMBERS

_FASTEST = 0
"""Value of Baud_Rate for 1 Mbit/s."""
_NAME = "motor"


def set_up(port: str, name: str, wanted: Motor) -> None:
    """Whatever id and baud rate the only motor on the bus has, it then has `wanted.id` at 1 Mbit/s.

    name: of the motor, for messages. Raises ConnectError unless exactly one motor, of the right model, answers.
    """
    id, baud = _find(port, name)
    with_motor = _opened(port, Motor(id, wanted.model), baud)
    try:
        model = with_motor.ping(_NAME)
        if model != MODEL_NUMBERS[wanted.model]:
            raise ConnectError(f"{port}: {name}: found model {model}, not {wanted.model}; plug in the right motor")
        with_motor.write("Torque_Enable", _NAME, 0)
        with_motor.write("Lock", _NAME, 0)
        with_motor.assign("ID", _NAME, wanted.id)
    except DeviceLost as error:
        raise ConnectError(f"{port}: {name} was lost while being set up; try again", [error]) from error
    finally:
        with_motor.close()
    _set_baud(port, name, wanted, baud)


def _set_baud(port: str, name: str, motor: Motor, baud: int) -> None:
    """The second half, under the new id."""
    try:
        if baud != BAUD_RATES[_FASTEST]:
            slow = _opened(port, motor, baud)
            try:
                slow.assign("Baud_Rate", _NAME, _FASTEST)
            finally:
                slow.close()
        fast = _opened(port, motor, BAUD_RATES[_FASTEST])
        try:
            fast.write("Lock", _NAME, 1)
        finally:
            fast.close()
    except DeviceLost as error:
        raise ConnectError(f"{port}: {name} does not answer as id {motor.id} at 1 Mbit/s; try again", [error]) from error


def _find(port: str, name: str) -> tuple[int, int]:
    """Id and baud rate of the only motor on the bus."""
    for baud in BAUD_RATES.values():
        bus = FeetechBus(port, {}, baud)
        bus.open()
        try:
            ids = bus.found()
        finally:
            bus.close()
        if len(ids) > 1:
            raise ConnectError(f"{port}: {name}: several motors answer (ids {ids}); leave only this one plugged in")
        if ids:
            return ids[0], baud
    raise ConnectError(f"{port}: {name}: no motor answers at any baud rate; check its cable and its power")


def _opened(port: str, motor: Motor, baud: int) -> FeetechBus:
    bus = FeetechBus(port, {_NAME: motor}, baud)
    bus.open()
    return bus
