"""What is the matter with the motors of a bus, in words. Nothing here writes to a motor."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from hilt_motor_feetech.bus import FeetechBus
from hilt_motor_feetech.health import VOLTAGE, WARM_C, troubles
from hilt_motor_feetech.scan import SCAN_RATES, Found, scan
from hilt_motor_feetech.table import MODELS

WELL = "well"
SILENT = "silent"

_MEASURED = (
    "Firmware_Major_Version",
    "Firmware_Minor_Version",
    "Torque_Enable",
    "Present_Voltage",
    "Min_Voltage_Limit",
    "Max_Voltage_Limit",
    "Present_Temperature",
    "Present_Load",
    "Status",
)
_PATIENCE_NS = 100_000_000
_NAMES = {model.number: name for name, model in MODELS.items()}

Row = dict[str, str]


def diagnose(bus: FeetechBus) -> list[Mapping[str, str]]:
    """One row a motor, in the order of the chain. Raises DeviceLost when the port is gone, not for a motor that is silent."""
    rows = [_row(bus, joint) for joint in bus.motors]
    _explain_silence(rows)
    _compare_firmware(rows)
    return list(rows)


def answering(port: str) -> list[Mapping[str, str]]:
    """One row for each motor that answers on a port, at whatever rate: bus, baud, id, model.

    Raises ConnectError, or DeviceLost when the port goes away meanwhile.
    """
    first, *others = SCAN_RATES
    return [row for found in (*scan(port, [first]), *scan(port, others, ids=())) for row in _answers(found)]


def _answers(found: Found) -> list[Mapping[str, str]]:
    at = {"bus": "Feetech", "baud": str(found.baud)}
    rows: list[Mapping[str, str]] = [
        {**at, "id": str(id), "model": "damaged answers" if model is None else _NAMES.get(model, f"model {model}")}
        for id, model in found.models.items()
    ]
    if found.garbled:
        rows.append({**at, "problem": "some answers are damaged: a bad cable, or two motors with one id"})
    return rows


def _row(bus: FeetechBus, joint: str) -> Row:
    motor = bus.motors[joint]
    row = {"motor": joint, "id": str(motor.id)}
    model = bus.ping(joint)
    if model is None:
        return {**row, "state": SILENT}
    row["model"] = _NAMES.get(model, str(model))
    if model != bus.expected_model(joint):
        cause = f"this arm has a {motor.model} here"
        return {**row, "state": "another model", "cause": cause, "next": "put in the right motor"}
    return {**row, **_health(bus, joint)}


def _health(bus: FeetechBus, joint: str) -> Row:
    values = {register: _value(bus, register, joint) for register in _MEASURED}
    read = {register: value for register, value in values.items() if value is not None}
    if len(read) < len(values):
        cause = "some of its answers are lost or damaged: a loose plug, or two motors with this id"
        return {"state": "unreliable", "cause": cause, "next": "press in the plugs on both ends of its cables"}
    measured = {
        "firmware": f"{read['Firmware_Major_Version']}.{read['Firmware_Minor_Version']}",
        "torque": "on" if read["Torque_Enable"] else "off",
        "voltage": f"{read['Present_Voltage'] / 10:.1f} V",
        "temperature": f"{read['Present_Temperature']} C",
        "load": f"{read['Present_Load'] / 10:.1f} %",
    }
    if errors := troubles(read["Status"]):
        cause = _voltage(read) if read["Status"] & VOLTAGE else ""
        advice = "; ".join(error.advice for error in errors)
        return {**measured, "state": ", ".join(error.name for error in errors), "cause": cause, "next": advice}
    if read["Present_Temperature"] >= WARM_C:
        return {**measured, "state": "hot", "cause": "it holds much, or is blocked", "next": "let it rest"}
    return {**measured, "state": WELL}


def _voltage(read: Mapping[str, int]) -> str:
    present, low, high = (read[name] / 10 for name in ("Present_Voltage", "Min_Voltage_Limit", "Max_Voltage_Limit"))
    return f"it has {present:.1f} V and takes {low:.1f} to {high:.1f} V"


def _explain_silence(rows: Sequence[Row]) -> None:
    """What is likely, from who else is silent: the motors are on one chain, each behind the one before it."""
    silent = [row["state"] == SILENT for row in rows]
    if all(silent):
        for row in rows:
            row["cause"] = "no motor answers: the arm has no power, or this is not its port"
            row["next"] = "switch its power on; hilt find-port tells what answers where"
        return
    tail = len(rows) - silent[::-1].index(False)
    for place, row in enumerate(rows):
        if not silent[place]:
            continue
        if place > tail:
            row["cause"], row["next"] = f"behind {rows[tail]['motor']}", f"see {rows[tail]['motor']}"
        elif place == tail:
            row["cause"] = f"the cable from {rows[tail - 1]['motor']}, or an id that was never set"
            row["next"] = "press in the plugs on both ends of that cable; if they sit, run hilt setup-motors"
        else:
            row["cause"] = "the motors behind it answer, so its id was never set, or another motor has its id"
            row["next"] = "hilt find-port tells all ids; hilt setup-motors sets them"


def _compare_firmware(rows: Sequence[Row]) -> None:
    versions = Counter(row["firmware"] for row in rows if "firmware" in row)
    if len(versions) < 2:
        return
    usual = versions.most_common(1)[0][0]
    for row in rows:
        if row.get("firmware", usual) != usual and row["state"] == WELL:
            row["state"], row["cause"] = "other firmware", f"the others have {usual}"
            row["next"] = "update its firmware with Feetech's FD software"


def _value(bus: FeetechBus, register: str, joint: str) -> int | None:
    """None when the motor did not answer in time, whatever the others do."""
    return bus.sync_read(register, time.monotonic_ns() + _PATIENCE_NS, retries=4)[joint]
