"""A configuration class as JSON schema, read off the class itself."""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
from attrs import NOTHING

from hilt.config import versions
from hilt.config.fields import option_of
from hilt.config.filters import FilterName, filter_names
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
from hilt.kernel import Registry
from hilt_hooks import Descriptor, Option

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JSON_TYPES: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}

Schema = dict[str, Any]


def json_schema(cls: type[Any], registry: Registry) -> Schema:
    """JSON schema (draft 2020-12) of the files of a configuration, with every installed device type."""
    devices: Schema = {}
    schema = _object_schema(cls, registry, devices)
    about = f"Format of this file; {versions.VERSION} where it is not given"
    version = {"type": "integer", "minimum": 1, "maximum": versions.VERSION, "description": about}
    schema["properties"] = {versions.KEY: version, **schema["properties"]}
    return {"$schema": DIALECT, "title": cls.__name__, **schema, "$defs": devices}


def device_schema(descriptor: Descriptor, registry: Registry) -> Schema:
    """JSON schema of one device, as it stands below `robot:` or `teleop:`."""
    devices: Schema = {}
    schema = _typed_schema(descriptor, registry, devices)
    return {"$schema": DIALECT, "title": descriptor.name, **schema, "$defs": devices}


def _object_schema(cls: type[Any], registry: Registry, devices: Schema) -> Schema:
    properties: Schema = {}
    required = []
    for attribute in resolved_fields(cls):
        properties[attribute.name] = _described(attribute, registry, devices)
        if listed := devices_of(attribute):
            properties[attribute.name.removesuffix("s")] = _device_reference(listed, registry, devices)
        if attribute.default is NOTHING:
            required.append(attribute.name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _described(attribute: "attrs.Attribute[Any]", registry: Registry, devices: Schema) -> Schema:
    option = option_of(attribute)
    text = f"{option.help} [{option.unit}]" if option.unit else option.help
    schema = _limited(_schema(hint_of(attribute), registry, devices), _limits(option))
    return schema | ({"description": text} if text else {})


def _limits(option: Option) -> Schema:
    """Limits and choices, as JSON schema writes them."""
    limits = {"minimum": option.minimum, "maximum": option.maximum, "enum": list(option.choices) or None}
    return {key: value for key, value in limits.items() if value is not None}


def _limited(schema: Schema, limits: Schema) -> Schema:
    """The schema, with limits at the values for which they hold: inside lists, mappings and unions, and not at null."""
    if schema.get("type") == "null":
        return schema
    for inner in ("anyOf", "prefixItems", "items", "additionalProperties"):
        match schema.get(inner):
            case list(several):
                return schema | {inner: [_limited(each, limits) for each in several]}
            case dict(one):
                return schema | {inner: _limited(one, limits)}
    return schema | limits


def _schema(hint: Any, registry: Registry, devices: Schema) -> Schema:
    if is_device(hint):
        return _device_reference(get_args(hint)[1], registry, devices)
    if is_union(hint):
        return {"anyOf": [_schema(each, registry, devices) for each in get_args(hint)]}
    if is_mapping(hint):
        return {"type": "object", "additionalProperties": _schema((*get_args(hint), Any, Any)[1], registry, devices)}
    if is_sequence(hint):
        return _sequence_schema(hint, registry, devices)
    if is_choice(hint):
        return {"enum": list(choices_of(hint))}
    if hint is FilterName:
        return {"enum": filter_names(registry)}
    if is_section(hint):
        return _object_schema(hint, registry, devices)
    return {"type": "null"} if hint is types.NoneType else {"type": JSON_TYPES[hint]} if hint in JSON_TYPES else {}


def _sequence_schema(hint: Any, registry: Registry, devices: Schema) -> Schema:
    arguments = get_args(hint)
    if get_origin(hint) is not tuple or arguments[1:] == (...,):
        return {"type": "array", "items": _schema((*arguments, Any)[0], registry, devices)}
    each = [_schema(argument, registry, devices) for argument in arguments]
    return {"type": "array", "prefixItems": each, "items": False, "minItems": len(each)}


def _device_reference(device: Device, registry: Registry, devices: Schema) -> Schema:
    """A reference into `devices`, where each kind is described once: its types may hold devices of the same kind."""
    if device.kind not in devices:
        types_of_kind: list[Schema] = []
        devices[device.kind] = {"oneOf": types_of_kind}
        for descriptor in registry.all(device.kind):
            if _names(descriptor, registry):
                types_of_kind.append(_typed_schema(descriptor, registry, devices, device.default_type))
        if not types_of_kind:
            devices[device.kind] = {"not": {}, "description": f"no {device.kind} is installed"}
    return {"$ref": f"#/$defs/{device.kind}"}


def _typed_schema(descriptor: Descriptor, registry: Registry, devices: Schema, default_type: str | None = None) -> Schema:
    schema = _object_schema(descriptor.config, registry, devices)
    names = _names(descriptor, registry)
    schema["properties"] = {"type": {"enum": names, "description": descriptor.summary}, **schema["properties"]}
    schema["required"] = [*([] if default_type in names else ["type"]), *schema["required"]]
    return schema


def _names(descriptor: Descriptor, registry: Registry) -> list[str]:
    """What the type may be called in a file: not by a name that another plugin claims, too."""
    return [name for name in (descriptor.name, *descriptor.aliases) if registry.has(descriptor.kind, name)]
