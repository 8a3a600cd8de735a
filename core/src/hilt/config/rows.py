"""A configuration class as rows: a line each in help, docs and comments."""

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
from attrs import NOTHING, frozen

from hilt.config.fields import option_of
from hilt.config.given import opened
from hilt.config.hints import (
    Device,
    choices_of,
    devices_of,
    hint_of,
    is_choice,
    is_device,
    is_mapping,
    is_section,
    is_sequence,
    is_union,
    resolved_fields,
)
from hilt.config.problems import dotted
from hilt.config.text import PathKey
from hilt.kernel import Registry
from hilt_hooks import Option, PluginMissing


@frozen
class Row:
    """One field. at: where it sits. type: in a word. default: NOTHING where it is required."""

    at: PathKey
    type: str
    default: Any
    option: Option
    choices: tuple[Any, ...] = ()

    @property
    def path(self) -> str:
        """As a flag without `--`."""
        return dotted(self.at)

    @property
    def required(self) -> bool:
        return self.default is NOTHING

    @property
    def group(self) -> str:
        """The part of the configuration it belongs to; "" for a field of the command itself."""
        return str(self.at[0]) if len(self.at) > 1 else ""

    @property
    def is_flag(self) -> bool:
        """False for what is inside a list, or has a dot in its name: it is given with the whole list or mapping."""
        return all(isinstance(key, str) and "." not in key for key in self.at)


def describe(cls: type[Any], registry: Registry, data: Mapping[str, Any] | None = None, at: PathKey = ()) -> list[Row]:
    """The fields of a configuration, those of its sections included.

    Fields of devices are listed where `data` (what was given so far) or the default says which type it is.
    """
    return [row for attribute in resolved_fields(cls) for row in _rows(attribute, registry, data or {}, at)]


def type_word(hint: Any) -> str:
    """A type in one word, as help shows it where there is no default."""
    if is_union(hint):
        return "|".join(type_word(each) for each in get_args(hint) if each is not types.NoneType)
    if is_device(hint):
        return "TYPE"
    if is_mapping(hint):
        return "{NAME: ...}"
    if is_sequence(hint):
        return "[...]"
    if is_choice(hint):
        return "|".join(map(str, choices_of(hint)))
    words = {bool: "BOOL", int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH"}
    return words.get(hint, "VALUE")


def _rows(attribute: "attrs.Attribute[Any]", registry: Registry, data: Mapping[str, Any], at: PathKey) -> Iterator[Row]:
    hint, here, given = hint_of(attribute), (*at, attribute.name), opened(data.get(attribute.name))
    if is_section(hint):
        yield from describe(hint, registry, _mapping(given), here)
    elif device := _single_device(hint):
        yield from _device_rows(attribute, device, registry, _mapping(given), here)
    else:
        yield _plain_row(attribute, hint, registry, here)
        yield from _inner_rows(hint, registry, given, here)
    if listed := devices_of(attribute):
        single = attribute.name.removesuffix("s")
        yield from _typed_rows(listed, registry, _mapping(opened(data.get(single))), (*at, single), default_type=False)


def _plain_row(attribute: "attrs.Attribute[Any]", hint: Any, registry: Registry, at: PathKey) -> Row:
    option, default = option_of(attribute), _default(attribute)
    if (listed := devices_of(attribute)) and listed.default_type and registry.has(listed.kind, listed.default_type):
        default = [{"type": listed.default_type}]
    return Row(at, type_word(hint), default, option, option.choices or (choices_of(hint) if is_choice(hint) else ()))


def _inner_rows(hint: Any, registry: Registry, given: Any, at: PathKey) -> Iterator[Row]:
    """The fields of what was put into a mapping or a list of devices or sections."""
    if is_mapping(hint) and isinstance(given, Mapping):
        inner = get_args(hint)[1]
        members: list[tuple[str | int, Any]] = [(str(name), each) for name, each in given.items()]
    elif is_sequence(hint) and isinstance(given, list | tuple):
        inner, members = get_args(hint)[0], [*enumerate(given)]
    else:
        return
    for key, each in members:
        if is_device(inner):
            yield from _typed_rows(get_args(inner)[1], registry, _mapping(opened(each)), (*at, key))
        elif is_section(inner):
            yield from describe(inner, registry, _mapping(opened(each)), (*at, key))


def _device_rows(
    attribute: "attrs.Attribute[Any]", device: Device, registry: Registry, given: Mapping[str, Any], at: PathKey
) -> Iterator[Row]:
    names = registry.names(device.kind)
    default = device.default_type or (NOTHING if attribute.default is NOTHING else None)
    yield Row((*at, "type"), "TYPE", default, option_of(attribute), names)
    yield from _typed_rows(device, registry, given, at)


def _typed_rows(
    device: Device, registry: Registry, given: Mapping[str, Any], at: PathKey, *, default_type: bool = True
) -> Iterator[Row]:
    name = given.get("type", device.default_type if default_type else None)
    if name is None:
        return
    try:
        descriptor = registry.find(device.kind, str(name))
    except PluginMissing:
        return
    yield from describe(descriptor.config, registry, given, at)


def _single_device(hint: Any) -> Device | None:
    members = get_args(hint) if is_union(hint) else (hint,)
    return next((get_args(each)[1] for each in members if is_device(each)), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _default(attribute: "attrs.Attribute[Any]") -> Any:
    default: Any = attribute.default
    return default.factory() if isinstance(default, attrs.Factory) and not default.takes_self else default  # type: ignore[arg-type]
