"""Where values come from: a station, files, flags. Later ones win; nothing is checked here but the way they are written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt.config import stations, versions
from hilt.config.accepted import translate
from hilt.config.fields import Compatibility
from hilt.config.given import Sources
from hilt.config.problems import Problem
from hilt.config.text import FlagText, PathKey, read_file
from hilt.kernel import Registry
from hilt_hooks import HiltError

FILE_FLAGS = ("config", "config_path")
STATION_FLAG = "station"


@frozen
class Fields:
    """Names of fields at the top of files that are treated in some way of their own.

    unused: fields of stations that a command has no use for. foreign: those of other commands, which are told. tables:
    those of which a flag changes no more than it names.
    """

    unused: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


def read(argv: Sequence[str], registry: Registry, compatibility: Compatibility, fields: Fields) -> Sources:
    """All sources, merged."""
    found = Sources()
    flags = _flags(argv, found.problems)
    for name in flags.pop((STATION_FLAG,), ()):
        with _reading(found):
            _add_station(found, str(name), registry, fields)
    for flag in FILE_FLAGS:
        for file in flags.pop((flag,), ()):
            with _reading(found):
                _add_file(found, Path(str(file)).expanduser())
    for path, values in sorted(flags.items(), key=lambda item: len(item[0])):
        if len(values) > 1:
            twice = f"given twice ({', then '.join(map(repr, map(str, values)))}); keep one"
            found.problems.append(Problem(".".join(path), twice))
        with found.collecting():
            (found.change if path[0] in fields.tables else found.set)(path, values[-1])
    translate(found, registry, compatibility)
    return found


@contextmanager
def _reading(found: Sources) -> Iterator[None]:
    with found.collecting():
        try:
            yield
        except HiltError:
            found.unread = True
            raise


def _flags(argv: Sequence[str], problems: list[Problem]) -> dict[tuple[str, ...], list[Any]]:
    """`--a.b=c`, `--a.b c`, and `--a.b` alone, which is true."""
    values: dict[tuple[str, ...], list[Any]] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) == 2:
            problems.append(Problem("", f"'{word}' is not a flag; write --field=value"))
            continue
        name, equals, text = word[2:].partition("=")
        value: Any = FlagText(text) if equals else True
        if not equals and rest and not rest[0].startswith("--"):
            value = FlagText(rest.pop(0))
        values.setdefault(tuple(name.split(".")), []).append(value)
    return values


def _add_station(found: Sources, name: str, registry: Registry, fields: Fields) -> None:
    source = stations.find(name, registry)
    given, origins = source.read()
    data = _in_newest_format(found, given, origins, source.where)
    if foreign := sorted(fields.foreign & set(data)):
        found.notes.append(f"station {source.where}: {', '.join(foreign)} left out, of other commands")
    unused = fields.unused | fields.foreign
    found.merge({key: value for key, value in data.items() if key not in unused}, origins)


def _add_file(found: Sources, file: Path) -> None:
    data, origins = read_file(file)
    found.merge(_in_newest_format(found, data, origins, str(file)), origins)


def _in_newest_format(found: Sources, data: Mapping[str, Any], origins: Mapping[PathKey, str], where: str) -> dict[str, Any]:
    """The data; a note, if it was of an older format."""
    newest, version = versions.current(data, origins.get((versions.KEY,), where))
    if version != versions.VERSION:
        found.notes.append(f"{where}: has format {version}, read as format {versions.VERSION}; the file is not changed")
    return newest
