"""Plain data to configuration classes: every value checked, every problem found at once."""

import enum
import math
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory, mapping_structure_factory
from cattrs.errors import BaseValidationError, ClassValidationError, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from hilt.config.fields import option_of
from hilt.config.filters import FilterName, check_filter
from hilt.config.hints import (
    Device,
    choices_of,
    devices_of,
    expected,
    hint_of,
    is_choice,
    is_device,
    is_mapping,
    is_section,
    is_sequence,
    is_union,
    resolved_fields,
)
from hilt.config.problems import nearest, show
from hilt.config.text import NULLS, FlagText, parse_value
from hilt.kernel import Registry
from hilt_hooks import ConfigError, Option, Typed

Hook = Callable[[Any, Any], Any]


def converter(registry: Registry) -> Converter:
    """A cattrs converter with the rules of configurations: nothing unknown, nothing guessed."""
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    for primitive in (bool, int, float, str, Path):
        made.register_structure_hook(primitive, _PRIMITIVES[primitive])
    made.register_structure_hook(FilterName, _filter_hook(registry))
    made.register_structure_hook_factory(attrs.has, lambda cls: _class_hook(cls, made, registry))
    made.register_structure_hook_factory(is_mapping, lambda hint: _mapping_hook(hint, made))
    made.register_structure_hook_factory(is_sequence, lambda hint: _sequence_hook(hint, made))
    made.register_structure_hook_factory(is_union, lambda hint: _union_hook(hint, made))
    made.register_structure_hook_factory(is_choice, _choice_hook)
    made.register_structure_hook_factory(is_device, lambda hint: _device_hook(get_args(hint)[1], made, registry))
    return made


def _class_hook(cls: type[Any], made: Converter, registry: Registry) -> Hook:
    attributes = resolved_fields(cls)
    overrides = {each.name: override(struct_hook=_field_hook(each, made)) for each in attributes}
    structure = make_dict_structure_fn(
        cls,
        made,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **overrides,  # type: ignore[arg-type]
    )

    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, cls):
            return value
        given = _plain(value)
        if not isinstance(given, Mapping):
            raise ValueError(f"expected fields ({', '.join(each.name for each in attributes)}), got {show(given)}")
        data, clashes = _singles_as_lists(given, attributes)
        try:
            made = structure(_completed(data, attributes, registry), cls)
        except ClassValidationError as error:
            raise ClassValidationError(error.message, [*clashes, *error.exceptions], cls) from None
        if clashes:
            raise ClassValidationError(cls.__name__, clashes, cls)
        return made

    return hook


def _singles_as_lists(
    given: Mapping[str, Any], attributes: Sequence["attrs.Attribute[Any]"]
) -> tuple[dict[str, Any], list[ConfigError]]:
    """The data, where a device under `input` has become the only one of `inputs`; and what was given both ways."""
    data, clashes = dict(given), []
    for attribute in attributes:
        name, single = attribute.name, attribute.name.removesuffix("s")
        if not devices_of(attribute) or single not in data:
            continue
        if name in data:
            clashes.append(ConfigError(f"{single}: give either {single} (one device) or {name} (a list), not both"))
        data[name] = [data.pop(single)]
    return data, clashes


def _completed(data: dict[str, Any], attributes: Sequence["attrs.Attribute[Any]"], registry: Registry) -> dict[str, Any]:
    """The data, with a device of the default type where there is none, and a place for required fields of missing parts."""
    for attribute in attributes:
        hint, name = hint_of(attribute), attribute.name
        if name in data:
            continue
        if device := devices_of(attribute):
            if device.default_type and registry.has(device.kind, device.default_type):
                data[name] = [{"type": device.default_type}]
        elif attribute.default is attrs.NOTHING and (is_device(hint) or is_section(hint)):
            data[name] = {}
    return data


def _field_hook(attribute: "attrs.Attribute[Any]", made: Converter) -> Hook:
    hint, option = hint_of(attribute), option_of(attribute)
    structure = made.get_structure_hook(hint)

    def hook(value: Any, _: Any) -> Any:
        result = _settled(value) if hint is Any else structure(value, hint)
        _check(option, result)
        return result

    return hook


def _check(option: Option, value: Any) -> None:
    """Limits and choices hold for a value, and for each value of a list or mapping."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            _check(option, each)
        return
    if value is None:
        return
    if option.choices and value not in option.choices:
        raise ValueError(f"{show(value)} is not one of {', '.join(map(str, option.choices))}{nearest(value, option.choices)}")
    if option.minimum is not None and value < option.minimum:
        raise ValueError(f"{show(value)} is below the minimum, {_with_unit(option.minimum, option)}")
    if option.maximum is not None and value > option.maximum:
        raise ValueError(f"{show(value)} is above the maximum, {_with_unit(option.maximum, option)}")


def _with_unit(number: float, option: Option) -> str:
    return f"{number:g} {option.unit}".rstrip()


def _device_hook(device: Device, made: Converter, registry: Registry) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, Typed):
            return value
        given = _plain(value)
        if not isinstance(given, Mapping):
            raise ValueError(f"expected {{type: ..., ...}} ({device.kind}), got {show(given)}")
        rest = dict(given)
        name = rest.pop("type", device.default_type)
        if not isinstance(name, str):
            names = ", ".join(registry.names(device.kind))
            raise ConfigError(f"type: is required; installed {device.kind} types: {names or 'none'}")
        descriptor = registry.find(device.kind, str(name))
        return Typed(descriptor.name, made.structure(rest, descriptor.config))

    return hook


def _filter_hook(registry: Registry) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        name = _str(value, str)
        check_filter(name, registry)
        return name

    return hook


def _mapping_hook(hint: Any, made: Converter) -> Hook:
    structure = mapping_structure_factory(hint, made, structure_to=dict)

    def hook(value: Any, _: Any) -> Any:
        given = _plain(value)
        if not isinstance(given, Mapping):
            raise ValueError(f"expected a mapping, {{name: value, ...}}, got {show(given)}")
        return structure(_settled(given) if get_args(hint)[1:] == (Any,) else given, hint)

    return hook


def _sequence_hook(hint: Any, made: Converter) -> Hook:
    arguments = get_args(hint)
    if get_origin(hint) is tuple and arguments[1:] != (...,):
        structure = _fixed_tuple_hook(arguments, made)
    elif get_origin(hint) is tuple:
        structure = homogenous_tuple_structure_factory(hint, made)
    else:
        structure = list_structure_factory(hint, made)

    def hook(value: Any, _: Any) -> Any:
        given = _plain(value)
        if not isinstance(given, list | tuple):
            raise ValueError(f"expected a list, [value, ...], got {show(given)}")
        return structure(given, hint)

    return hook


def _fixed_tuple_hook(hints: tuple[Any, ...], made: Converter) -> Hook:
    def hook(value: Any, hint: Any) -> Any:
        if len(value) != len(hints):
            raise ValueError(f"expected {len(hints)} values, got {len(value)}")
        errors, items = [], []
        for index, (each, wanted) in enumerate(zip(value, hints, strict=True)):
            try:
                items.append(made.structure(each, wanted))
            except Exception as error:
                error.add_note(IterableValidationNote(f"@ index {index}", index, wanted))
                errors.append(error)
        if errors:
            raise IterableValidationError("tuple", errors, hint)
        return tuple(items)

    return hook


def _union_hook(hint: Any, made: Converter) -> Hook:
    """The first member that takes the value, the exact ones first: of `int | str`, a flag's "0" is the number."""
    members = sorted((each for each in get_args(hint) if each is not types.NoneType), key=_looseness)
    optional = types.NoneType in get_args(hint)
    hooks = [(made.get_structure_hook(member), member) for member in members]

    def hook(value: Any, _: Any) -> Any:
        if optional and (value is None or (isinstance(value, FlagText) and value.strip() in NULLS)):
            return None
        if len(hooks) == 1:
            return hooks[0][0](value, hooks[0][1])
        for structure, member in hooks:
            try:
                return structure(value, member)
            except (ValueError, ConfigError, BaseValidationError):
                continue
        raise ValueError(f"expected {' or '.join(map(expected, members))}, got {show(value)}")

    return hook


def _looseness(hint: Any) -> int:
    order = (bool, int, float)
    return order.index(hint) if hint in order else len(order) + (hint is str)


def _choice_hook(hint: Any) -> Hook:
    allowed = choices_of(hint)

    def hook(value: Any, _: Any) -> Any:
        plain = str(value) if isinstance(value, FlagText) and value in allowed else _plain(value)
        if isinstance(plain, enum.Enum):
            plain = plain.value
        if plain not in allowed:
            raise ValueError(f"{show(plain)} is not one of {', '.join(map(str, allowed))}{nearest(plain, allowed)}")
        return plain if get_origin(hint) is Literal else hint(plain)

    return hook


def _plain(value: Any) -> Any:
    return parse_value(value) if isinstance(value, FlagText) else value


def _settled(value: Any) -> Any:
    """Plain data, with the flags in it read as YAML: for fields of any type."""
    if isinstance(value, Mapping):
        return {key: _settled(each) for key, each in value.items()}
    return _plain(value)


def _bool(value: Any, _: Any) -> bool:
    plain = _plain(value)
    if not isinstance(plain, bool):
        raise ValueError(f"expected true or false, got {show(plain)}")
    return plain


def _int(value: Any, _: Any) -> int:
    plain = _plain(value)
    if isinstance(plain, bool) or not isinstance(plain, int):
        raise ValueError(f"expected a whole number, got {show(plain)}")
    return plain


def _float(value: Any, _: Any) -> float:
    plain = _plain(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or math.isnan(plain):
        raise ValueError(f"expected a number, got {show(plain)}")
    return float(plain)


def _str(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        quoted = "; write it in quotes" if isinstance(value, int | float) else ""
        raise ValueError(f"expected text, got {show(value)}{quoted}")
    return str(value)


def _path(value: Any, _: Any) -> Path:
    return value.expanduser() if isinstance(value, Path) else Path(_str(value, str)).expanduser()


_PRIMITIVES: Mapping[type, Hook] = {bool: _bool, int: _int, float: _float, str: _str, Path: _path}
