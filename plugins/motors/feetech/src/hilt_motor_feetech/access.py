"""Registers of all motors of an arm at once, and single ones for good."""

import time
from collections.abc import Mapping

from hilt_hooks import DeviceLost
from hilt_motor_feetech.bus import FeetechBus
from hilt_motor_feetech.table import REGISTERS

_ANSWER_NS = 500_000_000
_RETRIES = 8


def of_all(bus: FeetechBus, register: str, until_ns: int | None = None, who: str = "") -> dict[str, int]:
    """A register of every motor. who: the arm, for messages. Raises DeviceLost when one does not answer in time."""
    answers = bus.sync_read(register, until_ns or time.monotonic_ns() + _ANSWER_NS, _RETRIES)
    silent = [motor for motor, answer in answers.items() if answer is None]
    if silent:
        raise DeviceLost(f"{who or bus.port}: no answer from {', '.join(silent)} to {register}")
    return {motor: answer for motor, answer in answers.items() if answer is not None}


def agree(bus: FeetechBus, register: str, values: Mapping[str, int], until_ns: int, who: str = "") -> None:
    """Write with one packet and read back, until all motors have it. Raises DeviceLost when the time is up."""
    while True:
        bus.sync_write(register, values)
        kept = bus.sync_read(register, until_ns, _RETRIES)
        wrong = [f"{motor} ({kept[motor]})" for motor, value in values.items() if kept[motor] != value]
        if not wrong:
            return
        if time.monotonic_ns() >= until_ns:
            raise DeviceLost(f"{who or bus.port}: {register} not taken by {', '.join(wrong)}")


def put(bus: FeetechBus, register: str, motor: str, value: int) -> None:
    """Write and read back; what lies in the EEPROM is kept over a power cycle. Raises DeviceLost."""
    if not REGISTERS[register].eeprom:
        bus.write(register, motor, value)
        return
    bus.write("Lock", motor, 0)
    try:
        bus.write(register, motor, value)
    finally:
        bus.write("Lock", motor, 1)
