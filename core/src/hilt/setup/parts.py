"""The arms that a command is about: a device, or both halves of a pair."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from hilt.kernel import Registry, build
from hilt_hooks import Calibratable, CapabilityMissing, RobotDescriptor, TeleoperatorDescriptor, Typed
from hilt_hooks.bimanual import SIDES, Pair

_KINDS = {"robot": RobotDescriptor, "teleop": TeleoperatorDescriptor}


@frozen
class Subject:
    """A device that was named on the command line. role: `robot` or `teleop`. Building it does no I/O."""

    role: str
    typed: Typed
    device: Any
    capabilities: frozenset[str]

    @property
    def name(self) -> str:
        id = getattr(self.typed.config, "id", None)
        return f"{self.typed.type} '{id}'" if id else str(self.typed.type)

    @property
    def flags(self) -> str:
        """As a person would give them again."""
        return shlex.join(_flags(f"--{self.role}", self.typed))


@frozen
class Part:
    """One arm. side: of a pair, else ""."""

    subject: Subject
    side: str
    device: Calibratable

    @property
    def name(self) -> str:
        return f"{self.side} arm of {self.subject.name}" if self.side else self.subject.name


def subject(role: str, typed: Typed, registry: Registry) -> Subject:
    descriptor = registry.find(_KINDS[role], typed.type)
    return Subject(role, typed, build(descriptor, typed.config), descriptor.capabilities)


def calibratable(of: Subject) -> list[Part]:
    """The arms of a device, in order. Raises CapabilityMissing for one that is not calibrated in this way."""
    if isinstance(of.device, Pair):
        parts = [Part(of, side, arm) for side, arm in zip(SIDES, of.device.arms, strict=True)]
    else:
        parts = [Part(of, "", of.device)]
    if not all(isinstance(part.device, Calibratable) for part in parts):
        raise CapabilityMissing(f"{of.typed.type} is not calibrated with hilt: it has no calibration to make")
    return parts


def _flags(prefix: str, typed: Typed) -> Iterator[str]:
    yield f"{prefix}.type={typed.type}"
    yield from _fields(prefix, typed.config)


def _fields(prefix: str, config: Any) -> Iterator[str]:
    """What tells one device from another: text and paths that are not as by default, in devices inside it as well."""
    for each in attrs.fields(type(config)):
        value = getattr(config, each.name)
        if attrs.has(type(value)) and not isinstance(value, Typed):
            yield from _fields(f"{prefix}.{each.name}", value)
        elif isinstance(value, str | Path) and value != each.default:
            yield f"{prefix}.{each.name}={value}"
