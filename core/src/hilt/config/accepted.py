"""What a command takes for the sake of other programs' command lines: translated, or noted as without effect."""

from collections.abc import Mapping
from typing import Any

from hilt.config.fields import Compatibility
from hilt.config.given import ABSENT, Sources, opened
from hilt.config.problems import Problem, nearest_origin
from hilt.kernel import Registry
from hilt_hooks import ConfigError


def translate(found: Sources, registry: Registry, compatibility: Compatibility) -> None:
    """Replace what is given under other programs' names by what says the same here."""
    _add_devices(found, registry, compatibility)
    for field, reason in compatibility.unused.items():
        if found.take(field) is not ABSENT:
            found.notes.append(f"--{field} is accepted and has no effect: {reason}")
    for field, target in compatibility.moved.items():
        value = found.take(field)
        if value is ABSENT:
            continue
        if found.take(target) is not ABSENT:
            found.problems.append(Problem(field, f"is {target} here, which is given, too; keep one"))
        _set_instead(found, field, target, value)
    for field, meanings in compatibility.meanings.items():
        value = found.take(field)
        if value is ABSENT:
            continue
        if str(value) not in meanings:
            text = f"{str(value)!r} has no counterpart here; known: {', '.join(meanings)}"
            found.problems.append(Problem(field, text, _origin(found, field)))
        for target, meaning in meanings.get(str(value), {}).items():
            _set_instead(found, field, target, meaning)


def _set_instead(found: Sources, field: str, target: str, value: Any) -> None:
    """Put a value where it is here; it comes from where the field was given."""
    with found.collecting():
        found.set(target.split("."), value, _origin(found, field))


def _origin(found: Sources, field: str) -> str:
    return nearest_origin(tuple(field.split(".")), found.origins)


def _add_devices(found: Sources, registry: Registry, compatibility: Compatibility) -> None:
    for field, (kind, name) in compatibility.devices.items():
        with found.collecting():
            asked = opened(found.take(field))
            if asked not in (True, False, ABSENT):
                raise ConfigError(f"{field}: expected true or false, got {asked!r}")
            if asked is True and not _names_one(found.data, kind):
                _add_device(found, registry, field, kind, name)


def _names_one(data: Mapping[str, Any], kind: str) -> bool:
    """Whether a device of this kind is named, or several are."""
    single = opened(data.get(kind))
    return f"{kind}s" in data or (isinstance(single, Mapping) and "type" in single)


def _add_device(found: Sources, registry: Registry, field: str, kind: str, name: str) -> None:
    if registry.has(kind, name):
        found.set((kind, "type"), name, _origin(found, field))
    else:
        found.notes.append(
            f"--{field} is accepted and has no effect: no {kind} '{name}' is installed; pip install hilt-{kind}-{name}"
        )
