"""Types of fields: what kind each is, and where in them devices sit."""

import enum
import functools
import operator
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from attrs import frozen

from hilt.config.fields import DEFAULT_TYPE, option_of
from hilt_hooks import Typed


@frozen
class Device:
    """Beside Typed in an Annotated hint: which kind of device, and its type where none is named."""

    kind: str
    default_type: str | None


def is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def is_mapping(hint: Any) -> bool:
    return _origin_is(hint, Mapping)


def is_sequence(hint: Any) -> bool:
    return _origin_is(hint, Sequence) and hint is not str


def is_section(hint: Any) -> bool:
    return isinstance(hint, type) and attrs.has(hint)


def is_device(hint: Any) -> bool:
    return get_origin(hint) is Annotated and isinstance(get_args(hint)[1], Device)


def hint_of(attribute: "attrs.Attribute[Any]") -> Any:
    """The type of a field, where each Typed is Annotated with the Device that the field's `kind` makes it."""
    kind = option_of(attribute).kind
    if kind is None:
        return attribute.type
    return _annotated(attribute.type, Device(kind, attribute.metadata.get(DEFAULT_TYPE)))


def resolved_fields(cls: type[Any]) -> tuple["attrs.Attribute[Any]", ...]:
    """The fields that a configuration is given by, with their types as objects."""
    return tuple(attribute for attribute in attrs.fields(attrs.resolve_types(cls)) if attribute.init)


def _origin_is(hint: Any, base: type) -> bool:
    origin = get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, base)


def _annotated(hint: Any, device: Device) -> Any:
    if hint is Typed:
        return Annotated[Typed, device]
    arguments = get_args(hint)
    if not arguments:
        return hint
    inner = tuple(_annotated(argument, device) for argument in arguments)
    return functools.reduce(operator.or_, inner) if is_union(hint) else get_origin(hint)[inner]


def devices_of(attribute: "attrs.Attribute[Any]") -> Device | None:
    """The Device of a field that holds a list of devices."""
    hint = hint_of(attribute)
    inner = get_args(hint)[0] if is_sequence(hint) and get_args(hint) else None
    return get_args(inner)[1] if is_device(inner) else None


def is_table(hint: Any) -> bool:
    """A mapping of sections: a row of settings for each name."""
    return is_mapping(hint) and is_section((*get_args(hint), None, None)[1])


def is_choice(hint: Any) -> bool:
    return get_origin(hint) is Literal or (isinstance(hint, type) and issubclass(hint, enum.Enum))


def choices_of(hint: Any) -> tuple[Any, ...]:
    """The values that a Literal or an Enum allows."""
    return get_args(hint) if get_origin(hint) is Literal else tuple(member.value for member in hint)


def expected(hint: Any) -> str:
    """A type as messages name it."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}
    if is_mapping(hint):
        return "a mapping"
    if is_sequence(hint):
        return "a list"
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def device_kinds(*configs: type[Any]) -> dict[str, str]:
    """Of configurations: the field that a single device is given by -> its kind."""
    found = {}
    for attribute in (each for config in configs for each in resolved_fields(config)):
        if kind := option_of(attribute).kind:
            found[attribute.name.removesuffix("s") if devices_of(attribute) else attribute.name] = kind
    return found
