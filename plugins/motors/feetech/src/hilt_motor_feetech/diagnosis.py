"""What is the matter with the motors of a bus, in words."""

import time
from collections.abc import Mapping

from hilt_motor_feetech.bus import FeetechBus

_ERRORS: Mapping[int, tuple[str, str]] = {
    0x01: ("voltage", "power supply too weak, or of the wrong voltage"),
    0x02: ("angle sensor", "the encoder is damaged: replace the motor"),
    0x04: ("overheated", "let it cool; it holds too much, or is blocked"),
    0x08: ("over-current", "blocked: free the joint"),
    0x20: ("overload", "blocked, or holding too much: free the joint, release its torque and switch it on again"),
}
"""Bits of Status: what is wrong, what to do."""

_MEASURED = (
    "Firmware_Major_Version",
    "Firmware_Minor_Version",
    "Torque_Enable",
    "Present_Voltage",
    "Present_Temperature",
    "Present_Load",
    "Status",
)
_HOT_DEGREES_C = 60
_PATIENCE_NS = 100_000_000


def diagnose(bus: FeetechBus) -> list[Mapping[str, str]]:
    """One row a motor. Raises DeviceLost when the port is gone, not for a motor that is silent."""
    return [_row(bus, joint) for joint in bus.motors]


def _row(bus: FeetechBus, joint: str) -> Mapping[str, str]:
    motor = bus.motors[joint]
    row = {"motor": joint, "id": str(motor.id), "expected": motor.model}
    model = bus.ping(joint)
    if model is None:
        cause = "its cable, the power of the arm, or an id that was never set"
        return {**row, "state": "silent", "cause": cause, "next": "check cable and power, then run: hilt setup-motors"}
    row["model"] = str(model)
    if model != bus.expected_model(joint):
        return {**row, "state": "another model", "cause": "not the motor that this arm needs", "next": "replace the motor"}
    return {**row, **_health(bus, joint)}


def _health(bus: FeetechBus, joint: str) -> Mapping[str, str]:
    values = {register: _value(bus, register, joint) for register in _MEASURED}
    if None in values.values():
        return {"state": "unreliable", "cause": "some of its answers are lost or damaged", "next": "check the cable on both ends"}
    read = {register: value for register, value in values.items() if value is not None}
    measured = {
        "firmware": f"{read['Firmware_Major_Version']}.{read['Firmware_Minor_Version']}",
        "torque": "on" if read["Torque_Enable"] else "off",
        "voltage": f"{read['Present_Voltage'] / 10:.1f} V",
        "temperature": f"{read['Present_Temperature']} degrees C",
        "load": f"{read['Present_Load'] / 10:.1f} %",
    }
    errors = [named for bit, named in _ERRORS.items() if read["Status"] & bit]
    if errors:
        return {**measured, "state": ", ".join(name for name, _ in errors), "next": "; ".join(advice for _, advice in errors)}
    if read["Present_Temperature"] >= _HOT_DEGREES_C:
        return {**measured, "state": "hot", "cause": "it holds much, or is blocked", "next": "let it rest"}
    return {**measured, "state": "well"}


def _value(bus: FeetechBus, register: str, joint: str) -> int | None:
    """None when the motor did not answer in time, whatever the others do."""
    return bus.sync_read(register, time.monotonic_ns() + _PATIENCE_NS, retries=4)[joint]
