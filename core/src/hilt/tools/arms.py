"""The arms, as the doctor sees them: port, calibration, every motor. Nothing is written to a motor."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hilt.config import dump
from hilt.kernel import Registry, build
from hilt.tools.findings import Finding, Level, Section, Table, wrong
from hilt.tools.flags import flags
from hilt.tools.holding import holders, refusal
from hilt.tools.ports import lasting, ports
from hilt_hooks import Calibratable, Diagnosable, HiltError, RobotDescriptor, TeleoperatorDescriptor, Typed
from hilt_hooks.usb import SERIAL, SERIAL_PORTS, located

_SHORT = {"firmware": "fw", "voltage": "volt", "temperature": "temp"}
_TOLD = ("arm", "motor", "cause", "next", "state")
_WELL = ("well", "ok")


def arm_section(role: str, typed: Typed, registry: Registry) -> Section:
    """role: robot or teleop, as in flags."""
    title = f"{role}: {typed.type}"
    findings = [each for field, port in _ports(dump(typed.config), role) for each in _port(field, port)]
    try:
        descriptor = registry.find(RobotDescriptor if role == "robot" else TeleoperatorDescriptor, typed.type)
        device = build(descriptor, typed.config)
        reachable = not any(each.level is Level.WRONG for each in findings)
        if isinstance(device, Calibratable):
            findings += _calibration(device, f"hilt calibrate {flags(role, typed)}", reachable)
        if not isinstance(device, Diagnosable):
            return Section(title, [*findings, Finding("motors", "this type cannot be asked about its motors", Level.NOTE)])
        if not reachable:
            return Section(title, [*findings, Finding("motors", "not asked: the port cannot be used", Level.NOTE)])
        rows = device.diagnose()
    except HiltError as error:
        return Section(title, [*findings, wrong("motors", error)])
    return Section(title, [*findings, *_motors(rows)], _table(rows))


def _ports(data: Any, field: str) -> Iterator[tuple[str, str]]:
    """The serial ports in the plain data of a device, each with its flag. A name without a folder is of another bus."""
    for key, value in data.items() if isinstance(data, Mapping) else ():
        if key == "port" and isinstance(value, str) and (os.sep in value or value.startswith(SERIAL)):
            yield f"{field}.{key}", value
        elif key != "cameras":
            yield from _ports(value, f"{field}.{key}")


def _port(field: str, port: str) -> Iterator[Finding]:
    what = "port" if field.count(".") == 1 else f"port {field.split('.')[1]}"
    try:
        path = located(port, SERIAL_PORTS)
    except HiltError as error:
        yield wrong(what, error, "plug it in, or let hilt find-port tell what is here")
        return
    if not os.path.exists(path):
        here = ", ".join(map(str, ports())) or "none"
        yield wrong(
            what, f"{path} is not there; serial ports here: {here}", "plug it in, or let hilt find-port tell what is here"
        )
        return
    if why := refusal(path):
        yield wrong(what, f"{path}: {why}")
        return
    if by := holders(path):
        yield wrong(what, f"{path} is in use by {' and '.join(map(str, by))}", "end that program first")
        return
    yield Finding(what, f"{port}: there, free, and we may use it")
    yield from _lasts(field, port, path)


def _lasts(field: str, port: str, path: str) -> Iterator[Finding]:
    """Whether the name may be another arm's after a replug."""
    present = ports()
    device = next((each for each in present if each.path == path), None)
    if device is not None and path == port and (name := lasting(device, present)) != path:
        text = f"{path} may be another adapter after a replug or a restart; this name is not: --{field}={name}"
        yield Finding("name", text, Level.NOTE)


def _calibration(device: Calibratable, command: str, reachable: bool) -> Iterator[Finding]:
    """The file, and where the motors say something else."""
    path = device.calibration_path
    if not path.is_file():
        yield wrong("calibration", f"{path}: there is no such file", command)
        return
    yield Finding("calibration", str(path))
    if not reachable:
        return
    try:
        with device.calibration() as calibration:
            differences, owner = calibration.differences(), calibration.owner()
    except HiltError:
        return  # what its motors do not answer is told of each motor
    if owner is not None:
        yield wrong("calibration", f"the motors are those of {owner}", "two arms have changed ports: swap them")
    elif differences:
        yield wrong("calibration", "; ".join(differences), command)


def _name(row: Mapping[str, str]) -> str:
    return "_".join(filter(None, (row.get("arm", ""), row.get("motor", "?"))))


def _table(rows: Sequence[Mapping[str, str]]) -> Table:
    """Whatever the rows have, in the order in which it first comes; the state is last."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in _TOLD))
    cells = [(_name(row), *(row.get(key, "-") for key in keys), row.get("state", "-")) for row in rows]
    return Table(("motor", *(_SHORT.get(key, key) for key in keys), "state"), tuple(cells))


def _motors(rows: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    """What has the same cause is told once."""
    troubled: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.get("state", "well") not in _WELL:
            text = ": ".join(filter(None, (row["state"], row.get("cause"))))
            troubled.setdefault((text, row.get("next", "")), []).append(_name(row))
    for (text, advice), names in troubled.items():
        who = names[0] if len(names) == 1 else f"{len(names)} motors"
        yield Finding(who, text if len(names) == 1 else f"{', '.join(names)}: {text}", Level.WRONG, advice)
