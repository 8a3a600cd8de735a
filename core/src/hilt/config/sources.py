"""Where values come from: a station, files, flags. Later ones win; nothing is checked here but the way they are written."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import Factory, define

from hilt.config.fields import Compatibility
from hilt.config.text import FlagText, PathKey, parse_value, read_file
from hilt.kernel import Registry, build
from hilt_hooks import ConfigError, HiltError, PluginMissing

FILE_FLAGS = ("config", "config_path")
STATION_FLAG = "station"
SUFFIXES = (".yaml", ".yml", ".json")


@define
class Sources:
    """What was given. data: plain data, in which values of flags are FlagText.

    origins: `file:line` of what files hold, "" where a flag replaced it.
    """

    data: dict[str, Any] = Factory(dict)
    origins: dict[PathKey, str] = Factory(dict)
    problems: list[str] = Factory(list)
    notes: list[str] = Factory(list)


def read(argv: Sequence[str], registry: Registry, compatibility: Compatibility, station_only: Iterable[str]) -> Sources:
    """All sources, merged. station_only: fields that a station may have although this command has no use for them."""
    found = Sources()
    flags = _flags(argv, found.problems)
    for name in flags.pop((STATION_FLAG,), ()):
        with _collecting(found.problems):
            _add_station(found, str(name), registry, station_only)
    for flag in FILE_FLAGS:
        for file in flags.pop((flag,), ()):
            with _collecting(found.problems):
                _merge(found, *read_file(Path(str(file)).expanduser()))
    for path, values in sorted(flags.items(), key=lambda item: len(item[0])):
        if len(values) > 1:
            found.problems.append(f"{'.'.join(path)}: given twice ({', then '.join(map(repr, map(str, values)))}); keep one")
        with _collecting(found.problems):
            _set(found, path, values[-1])
    _apply(found, compatibility)
    return found


def stations_folder() -> Path:
    """Where stations are found by their bare name."""
    return Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "hilt" / "stations"


@contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        problems += error.problems
    except HiltError as error:
        problems.append(str(error))


def _flags(argv: Sequence[str], problems: list[str]) -> dict[tuple[str, ...], list[Any]]:
    """`--a.b=c`, `--a.b c`, and `--a.b` alone, which is true."""
    values: dict[tuple[str, ...], list[Any]] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) == 2:
            problems.append(f"'{word}' is not a flag; write --field=value")
            continue
        name, equals, text = word[2:].partition("=")
        value: Any = FlagText(text) if equals else True
        if not equals and rest and not rest[0].startswith("--"):
            value = FlagText(rest.pop(0))
        values.setdefault(tuple(name.split(".")), []).append(value)
    return values


def _add_station(found: Sources, name: str, registry: Registry, station_only: Iterable[str]) -> None:
    data, origins = _station(name, registry)
    unused = set(station_only)
    _merge(found, {key: value for key, value in data.items() if key not in unused}, origins)


def _station(name: str, registry: Registry) -> tuple[dict[str, Any], dict[PathKey, str]]:
    """A station is a file, or by its bare name a file in `stations_folder()`, or a lab's bundle."""
    file = Path(name).expanduser()
    if file.suffix in SUFFIXES:
        return read_file(file)
    file = stations_folder() / f"{name}.yaml"
    if file.exists():
        return read_file(file)
    try:
        return dict(build(registry.find("bundle", name))), {}
    except PluginMissing as error:
        raise ConfigError(f"station: there is neither a file {file} nor a bundle '{name}': {error}") from error


def _merge(found: Sources, data: Mapping[str, Any], origins: Mapping[PathKey, str]) -> None:
    _merge_into(found.data, data)
    found.origins.update(origins)


def _merge_into(base: dict[str, Any], data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge_into(base[key], value)
        else:
            base[key] = _copied(value)


def _copied(value: Any) -> Any:
    return {key: _copied(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def _set(found: Sources, path: Sequence[str], value: Any) -> None:
    """Put a value into nested mappings. A mapping on the way that a flag gave as text is opened."""
    inner = found.data
    for depth, key in enumerate(path[:-1], start=1):
        nested = inner.setdefault(key, {})
        if isinstance(nested, FlagText):
            nested = inner[key] = parse_value(nested)
        if not isinstance(nested, dict):
            raise ConfigError(f"{'.'.join(path)}: {'.'.join(path[:depth])} is {nested!r}, which has no fields")
        inner = nested
    inner[path[-1]] = value
    for origin in [each for each in found.origins if each[: len(path)] == tuple(path)]:
        del found.origins[origin]
    found.origins[tuple(path)] = ""


def _apply(found: Sources, compatibility: Compatibility) -> None:
    for field, reason in compatibility.unused.items():
        if _take(found.data, field) is not _ABSENT:
            found.notes.append(f"--{field} is accepted and has no effect: {reason}")
    for field, target in compatibility.moved.items():
        value = _take(found.data, field)
        if value is _ABSENT:
            continue
        if _take(found.data, target) is not _ABSENT:
            found.problems.append(f"{field}: is {target} here, which is given, too; keep one")
        with _collecting(found.problems):
            _set(found, target.split("."), value)
    for field, meanings in compatibility.meanings.items():
        value = _take(found.data, field)
        if value is _ABSENT:
            continue
        if str(value) not in meanings:
            found.problems.append(f"{field}: {str(value)!r} has no counterpart here; known: {', '.join(meanings)}")
        for target, meaning in meanings.get(str(value), {}).items():
            _set(found, target.split("."), meaning)


_ABSENT = object()


def _take(data: dict[str, Any], field: str) -> Any:
    """Remove the value at a dotted path, and the mappings that are empty without it."""
    key, _, rest = field.partition(".")
    if not rest:
        return data.pop(key, _ABSENT)
    inner = data.get(key)
    if not isinstance(inner, dict):
        return _ABSENT
    value = _take(inner, rest)
    if value is not _ABSENT and not inner:
        del data[key]
    return value
