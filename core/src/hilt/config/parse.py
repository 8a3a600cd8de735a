"""The way from a command line to a configuration, and back to plain data."""

import enum
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
from attrs import frozen

from hilt.config import sources
from hilt.config.commands import COMMANDS
from hilt.config.fields import Compatibility
from hilt.config.given import Sources
from hilt.config.hints import is_table, resolved_fields
from hilt.config.problems import Invalid, explained
from hilt.config.rows import describe
from hilt.config.station import Station
from hilt.config.structure import converter
from hilt.kernel import Registry
from hilt_hooks import Typed

T = TypeVar("T")
Note = Callable[[str], None]


@frozen
class Reading(Generic[T]):
    """A configuration, and what it was made from."""

    config: T
    sources: Sources


def parse(cls: type[T], argv: Sequence[str], registry: Registry, note: Note = lambda _: None) -> T:
    """The configuration `cls` that a command line gives: `--station`, `--config FILE`s, then `--dotted.flags`.

    note: is told what was accepted without effect. Raises ConfigError with all problems at once.
    """
    return read(cls, argv, registry, note).config


def read(cls: type[T], argv: Sequence[str], registry: Registry, note: Note = lambda _: None) -> Reading[T]:
    """As `parse`; with what it was made from."""
    found = gather(cls, argv, registry)
    for line in found.notes:
        note(line)
    return Reading(_structured(cls, found, registry), found)


def structure(cls: type[T], data: Mapping[str, Any], registry: Registry) -> T:
    """The configuration that plain data gives. Raises ConfigError with all problems at once."""
    return _structured(cls, Sources(dict(data)), registry)


def gather(cls: type[Any], argv: Sequence[str], registry: Registry) -> Sources:
    """What a command line and its files say, before any of it is checked."""
    own = _names(cls)
    foreign = frozenset().union(*map(_names, COMMANDS)) - _names(Station) - own
    tables = frozenset(each.name for each in resolved_fields(cls) if is_table(each.type))
    compatibility: Compatibility = getattr(cls, "compatibility", Compatibility())
    return sources.read(argv, registry, compatibility, sources.Fields(_names(Station) - own, foreign, tables))


def dump(config: Any) -> Any:
    """A configuration as plain data (mappings, lists, text, numbers) from which `structure` makes an equal one."""
    if isinstance(config, Typed):
        return {"type": config.type, **dump(config.config)}
    if attrs.has(type(config)):
        return {each.name: dump(getattr(config, each.name)) for each in attrs.fields(type(config)) if each.init}
    if isinstance(config, Mapping):
        return {str(key): dump(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [dump(value) for value in config]
    if isinstance(config, enum.Enum):
        return config.value
    return str(config) if isinstance(config, Path) else config


def _names(cls: type[Any]) -> frozenset[str]:
    return frozenset(attribute.name for attribute in attrs.fields(cls))


def _structured(cls: type[T], found: Sources, registry: Registry) -> T:
    try:
        made = converter(registry).structure(found.data, cls)
    except Exception as error:
        wrong = explained(error, found.origins, lambda key: _places(cls, key, registry))
        raise Invalid([*found.problems, *(each for each in wrong if not (each.missing and found.unread))]) from error
    if found.problems:
        raise Invalid(found.problems)
    return made


def _places(cls: type[Any], key: str, registry: Registry) -> list[str]:
    """Where inside a configuration there is a field with this name, or else with one like it."""
    nested = [row.path for row in describe(cls, registry) if "." in row.path]
    last = [path.rpartition(".")[2] for path in nested]
    wanted = key if key in last else next(iter(get_close_matches(key, last, n=1)), None)
    return [path for path, name in zip(nested, last, strict=True) if name == wanted]
