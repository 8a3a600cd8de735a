"""A configuration class as rows (help, docs) and as JSON schema. Both are read off the class itself."""

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
from attrs import NOTHING, frozen

from hilt.config.fields import option_of
from hilt.config.hints import (
    Device,
    choices_of,
    devices_of,
    hint_of,
    is_choice,
    is_device,
    is_mapping,
    is_sequence,
    is_union,
    resolved_fields,
)
from hilt.config.text import FlagText, parse_value
from hilt.kernel import Registry
from hilt_hooks import Option, PluginMissing

JSON_TYPES: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}


@frozen
class Row:
    """One field. path: dotted, as a flag without `--`. type: in a word. default: NOTHING where it is required."""

    path: str
    type: str
    default: Any
    option: Option
    choices: tuple[Any, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is NOTHING

    @property
    def group(self) -> str:
        """The part of the configuration it belongs to; "" for a field of the command itself."""
        return self.path.partition(".")[0] if "." in self.path else ""


def describe(cls: type[Any], registry: Registry, data: Mapping[str, Any] | None = None, prefix: str = "") -> list[Row]:
    """The fields of a configuration, those of its sections included.

    Fields of devices are listed where `data` (what was given so far) or the default says which type it is.
    """
    return [row for attribute in resolved_fields(cls) for row in _rows(attribute, registry, data or {}, prefix)]


def json_schema(cls: type[Any], registry: Registry) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a configuration, with every installed device type."""
    devices: dict[str, Any] = {}
    schema = _object_schema(cls, registry, devices)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": devices}


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


def _rows(attribute: "attrs.Attribute[Any]", registry: Registry, data: Mapping[str, Any], prefix: str) -> Iterator[Row]:
    hint, option, path = hint_of(attribute), option_of(attribute), prefix + attribute.name
    given = _opened(data.get(attribute.name))
    if isinstance(hint, type) and attrs.has(hint):
        yield from describe(hint, registry, given if isinstance(given, Mapping) else {}, f"{path}.")
    elif device := _single_device(hint):
        yield from _device_rows(attribute, device, registry, given if isinstance(given, Mapping) else {}, path)
    else:
        choices = option.choices or (choices_of(hint) if is_choice(hint) else ())
        default = _default(attribute)
        if (listed := devices_of(attribute)) and listed.default_type and registry.has(listed.kind, listed.default_type):
            default = [{"type": listed.default_type}]
        yield Row(path, type_word(hint), default, option, choices)
        if is_mapping(hint) and is_device(get_args(hint)[1]) and isinstance(given, Mapping):
            device = get_args(get_args(hint)[1])[1]
            for name, each in given.items():
                opened = _opened(each)
                if isinstance(opened, Mapping):
                    yield from _typed_rows(device, registry, opened, f"{path}.{name}")


def _device_rows(
    attribute: "attrs.Attribute[Any]", device: Device, registry: Registry, given: Mapping[str, Any], path: str
) -> Iterator[Row]:
    names = tuple(descriptor.name for descriptor in registry.all(device.kind))
    default = device.default_type or (NOTHING if attribute.default is NOTHING else None)
    yield Row(f"{path}.type", "TYPE", default, option_of(attribute), names)
    yield from _typed_rows(device, registry, given, path)


def _typed_rows(device: Device, registry: Registry, given: Mapping[str, Any], path: str) -> Iterator[Row]:
    name = given.get("type", device.default_type)
    if name is None:
        return
    try:
        descriptor = registry.find(device.kind, str(name))
    except PluginMissing:
        return
    yield from describe(descriptor.config, registry, given, f"{path}.")


def _single_device(hint: Any) -> Device | None:
    members = get_args(hint) if is_union(hint) else (hint,)
    return next((get_args(each)[1] for each in members if is_device(each)), None)


def _opened(value: Any) -> Any:
    return parse_value(value) if isinstance(value, FlagText) else value


def _default(attribute: "attrs.Attribute[Any]") -> Any:
    default: Any = attribute.default
    return default.factory() if isinstance(default, attrs.Factory) and not default.takes_self else default  # type: ignore[arg-type]


def _object_schema(cls: type[Any], registry: Registry, devices: dict[str, Any]) -> dict[str, Any]:
    properties, required = {}, []
    for attribute in resolved_fields(cls):
        properties[attribute.name] = _described(attribute, registry, devices)
        if attribute.default is NOTHING:
            required.append(attribute.name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _described(attribute: "attrs.Attribute[Any]", registry: Registry, devices: dict[str, Any]) -> dict[str, Any]:
    option = option_of(attribute)
    limits = {"minimum": option.minimum, "maximum": option.maximum, "enum": list(option.choices) or None}
    text = f"{option.help} [{option.unit}]" if option.unit else option.help
    schema = _schema(hint_of(attribute), registry, devices) | {key: value for key, value in limits.items() if value is not None}
    return schema | ({"description": text} if text else {})


def _schema(hint: Any, registry: Registry, devices: dict[str, Any]) -> dict[str, Any]:
    if hint is types.NoneType:
        return {"type": "null"}
    if is_device(hint):
        return _device_schema(get_args(hint)[1], registry, devices)
    if is_union(hint):
        return {"anyOf": [_schema(each, registry, devices) for each in get_args(hint)]}
    if is_mapping(hint):
        return {"type": "object", "additionalProperties": _schema((*get_args(hint), Any, Any)[1], registry, devices)}
    if is_sequence(hint):
        return {"type": "array", "items": _schema((*get_args(hint), Any)[0], registry, devices)}
    if is_choice(hint):
        return {"enum": list(choices_of(hint))}
    if isinstance(hint, type) and attrs.has(hint):
        return _object_schema(hint, registry, devices)
    return {"type": JSON_TYPES[hint]} if hint in JSON_TYPES else {}


def _device_schema(device: Device, registry: Registry, devices: dict[str, Any]) -> dict[str, Any]:
    """A reference into `devices`, where each kind is described once: its types may hold devices of the same kind."""
    if device.kind not in devices:
        types_of_kind: list[dict[str, Any]] = []
        devices[device.kind] = {"oneOf": types_of_kind}
        for descriptor in registry.all(device.kind):
            schema = _object_schema(descriptor.config, registry, devices)
            names = {"enum": [descriptor.name, *descriptor.aliases], "description": descriptor.summary}
            schema["properties"] = {"type": names, **schema["properties"]}
            schema["required"] = [*([] if device.default_type == descriptor.name else ["type"]), *schema["required"]]
            types_of_kind.append(schema)
    return {"$ref": f"#/$defs/{device.kind}"}
