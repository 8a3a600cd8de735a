"""`hilt doctor`: looks at everything a session needs. Moves nothing, writes nothing to a motor, switches no torque."""

import sys
from collections.abc import Iterator, Mapping

from rich.console import Console

from hilt.config import structure
from hilt.config.station import DEFAULT_INPUT
from hilt.kernel import Registry
from hilt.setup import disagreement
from hilt.setup.parts import subject
from hilt.tools.arms import arm_section
from hilt.tools.config import DoctorConfig
from hilt.tools.findings import Finding, Level, Section, show, show_verdict, wrong
from hilt.tools.holding import refusal
from hilt.tools.machine import machine_section
from hilt.tools.ports import ports
from hilt.tools.watching import camera_section, input_section
from hilt_hooks import ConfigError, HiltError, InputDescriptor, Typed
from hilt_hooks.usb import CAMERAS, usb_devices

WRONG = 1


def doctor(config: DoctorConfig, registry: Registry, console: Console) -> int:
    sections = []
    for section in _sections(config, registry, console):
        show(section, console)
        sections.append(section)
    return 0 if show_verdict(sections, console) else WRONG


def _sections(config: DoctorConfig, registry: Registry, console: Console) -> Iterator[Section]:
    yield machine_section(config.folder, registry)
    yield _usb()
    for role, typed in (("robot", config.robot), ("teleop", config.teleop)):
        if typed is not None:
            yield arm_section(role, typed, registry)
    yield from _compared(config, registry)
    cameras: Mapping[str, Typed] = {} if config.robot is None else getattr(config.robot.config, "cameras", {})
    if cameras:
        yield camera_section(cameras, registry)
    yield input_section(config.inputs or _keyboard(registry), config.press_s, registry, console)
    if config.robot is None:
        hint = "hilt doctor --robot.type=... --teleop.type=..., or --station=NAME, checks every motor and camera, too"
        yield Section("arms", [Finding("not asked", hint, Level.NOTE)])


def _compared(config: DoctorConfig, registry: Registry) -> Iterator[Section]:
    """What keeps this leader from leading this robot, if a comparison has found something."""
    if config.robot is None or config.teleop is None:
        return
    try:
        robot, leader = subject("robot", config.robot, registry), subject("teleop", config.teleop, registry)
    except HiltError:
        return  # told of each arm
    try:
        disagreement.refuse(leader.device, robot.device)
    except ConfigError as error:
        yield Section("leader and robot", [wrong("compared", error)])


def _keyboard(registry: Registry) -> tuple[Typed, ...]:
    """What a session has where no input is named, in a terminal."""
    if not (sys.stdin.isatty() and registry.has("input", DEFAULT_INPUT)):
        return ()
    return (Typed(DEFAULT_INPUT, structure(registry.find(InputDescriptor, DEFAULT_INPUT).config, {}, registry)),)


def _usb() -> Section:
    """What is plugged in, and whether we may use it."""
    found = [*ports(), *(usb_devices(CAMERAS) if sys.platform == "linux" else ())]
    findings = []
    for each in found:
        what, why = each.path.rpartition("/")[2], refusal(each.path)
        findings.append(wrong(what, f"{each}: {why}") if why else Finding(what, str(each)))
    return Section("USB ports and cameras", findings or [Finding("none", "nothing is plugged in", Level.NOTE)])
