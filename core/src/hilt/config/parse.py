"""The way from a command line to a configuration, and back to plain data."""

import enum
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import attrs

from hilt.config import sources
from hilt.config.fields import Compatibility
from hilt.config.problems import lines
from hilt.config.schema import describe
from hilt.config.station import Station
from hilt.config.structure import converter
from hilt.config.text import PathKey
from hilt.kernel import Registry
from hilt_hooks import ConfigError, Typed

T = TypeVar("T")
Note = Callable[[str], None]


def parse(cls: type[T], argv: Sequence[str], registry: Registry, note: Note = lambda _: None) -> T:
    """The configuration `cls` that a command line gives: `--station`, `--config FILE`s, then `--dotted.flags`.

    note: is told what was accepted without effect. Raises ConfigError with all problems at once.
    """
    found = gather(cls, argv, registry)
    for line in found.notes:
        note(line)
    return _structured(cls, found.data, registry, found.origins, found.problems)


def structure(cls: type[T], data: Mapping[str, Any], registry: Registry) -> T:
    """The configuration that plain data gives. Raises ConfigError with all problems at once."""
    return _structured(cls, data, registry, {}, [])


def gather(cls: type[Any], argv: Sequence[str], registry: Registry) -> sources.Sources:
    """What a command line and its files say, before any of it is checked."""
    names = {attribute.name for attribute in attrs.fields(cls)}
    station_only = [attribute.name for attribute in attrs.fields(Station) if attribute.name not in names]
    compatibility: Compatibility = getattr(cls, "compatibility", Compatibility())
    return sources.read(argv, registry, compatibility, station_only)


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


def _structured(
    cls: type[T], data: Mapping[str, Any], registry: Registry, origins: Mapping[PathKey, str], problems: list[str]
) -> T:
    try:
        made = converter(registry).structure(data, cls)
    except Exception as error:
        raise ConfigError([*problems, *lines(error, origins, lambda key: _places(cls, key, registry))]) from error
    if problems:
        raise ConfigError(problems)
    return made


def _places(cls: type[Any], key: str, registry: Registry) -> list[str]:
    """Where inside a configuration there is a field with this name, or else with one like it."""
    nested = [row.path for row in describe(cls, registry) if "." in row.path]
    last = [path.rpartition(".")[2] for path in nested]
    wanted = key if key in last else next(iter(get_close_matches(key, last, n=1)), None)
    return [path for path, name in zip(nested, last, strict=True) if name == wanted]
