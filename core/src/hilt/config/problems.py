"""From what cattrs collected to lines for the user: where, what is wrong, what is allowed, what comes nearest."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import attrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
    StructureHandlerNotFoundError,
)

from hilt.config.text import FlagText, PathKey
from hilt_hooks import ConfigError

Elsewhere = Callable[[str], Iterable[str]]
"""The dotted paths at which a configuration has a field of this name, or one like it."""


def lines(error: Exception, origins: Mapping[PathKey, str], elsewhere: Elsewhere, at: PathKey = ()) -> Iterator[str]:
    """One line for each problem in `error`."""
    if isinstance(error, BaseValidationError):
        for each in error.exceptions:
            yield from lines(each, origins, elsewhere, (*at, *_step(each)))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields, key=str):
            text = _unknown(str(key), error.cl, elsewhere if not at else _nowhere)
            yield _line((*at, str(key)), text, origins)
    elif isinstance(error, ConfigError):
        for problem in error.problems:
            yield _inner(at, problem, origins)
    elif isinstance(error, KeyError) and at and error.args == (at[-1],):
        yield _line(at, "is required", origins)
    elif isinstance(error, StructureHandlerNotFoundError):
        yield _line(at, f"a field of type {error.type_} cannot be read from a configuration", origins)
    else:
        yield _line(at, str(error) or type(error).__name__, origins)


def dotted(path: PathKey) -> str:
    """A path as flags and messages write it: `robot.cameras.front.fps`, `inputs[0].type`, `limits['a.pos']`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif "." in key:
            text += f"['{key}']"
        else:
            text += f".{key}" if text else key
    return text


def nearest(value: Any, allowed: Iterable[Any]) -> str:
    """`; did you mean x?`, or nothing."""
    near = get_close_matches(str(value), [str(each) for each in allowed], n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def show(value: Any) -> str:
    """A value as it looks in a file."""
    if isinstance(value, FlagText):
        return repr(str(value))
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "nothing (null)")
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _step(error: Exception) -> PathKey:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return (note.name,)
        if isinstance(note, IterableValidationNote):
            return (note.index,)
    return ()


def _unknown(key: str, cls: type[Any], elsewhere: Elsewhere) -> str:
    names = [attribute.name for attribute in attrs.fields(cls) if attribute.init]
    if ":" in key:
        hint = "; write a space after the colon"
    elif near := nearest(key, names):
        hint = near
    else:
        places = " or ".join(elsewhere(key))
        hint = f"; did you mean {places}?" if places else ""
    return f"no such field{hint} (fields: {', '.join(names)})"


def _nowhere(_: str) -> Iterable[str]:
    return ()


def _line(path: PathKey, text: str, origins: Mapping[PathKey, str]) -> str:
    where = _origin(path, origins)
    name = dotted(path)
    return f"{name}: {text}{f' ({where})' if where else ''}" if name else text


def _inner(at: PathKey, problem: str, origins: Mapping[PathKey, str]) -> str:
    """A problem that starts with a field of the class at `at`, or with none."""
    field, colon, text = problem.partition(": ")
    if at and colon and field.replace(".", "").replace("_", "").isalnum():
        return _line((*at, *field.split(".")), text, origins)
    return _line(at, problem, origins)


def _origin(path: PathKey, origins: Mapping[PathKey, str]) -> str:
    """`file:line` of a value, or of the nearest part around it that a file has."""
    for end in range(len(path), 0, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    return ""
