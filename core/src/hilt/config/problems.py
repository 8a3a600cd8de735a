"""From what cattrs collected to lines for the user: where, what is wrong, what is allowed, what comes nearest."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import attrs
from attrs import frozen
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
    StructureHandlerNotFoundError,
)

from hilt.config.text import FlagText, PathKey
from hilt_hooks import ConfigError

REQUIRED = "is required"
"""How the text of a problem starts where something was not given."""

MANY = 12
"""So many fields are listed beside the one that was probably meant; more only where none comes near."""

Elsewhere = Callable[[str], Iterable[str]]
"""The dotted paths at which a configuration has a field of this name, or one like it."""


@frozen
class Problem:
    """One thing that is wrong. field: dotted, "" if it is none of a field. where: `file:line`, "" if it is in no file.

    missing: nothing is wrong with what was given, but something has to be added.
    """

    field: str
    text: str
    where: str = ""
    missing: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.text}{f' ({self.where})' if self.where else ''}" if self.field else self.text


class Invalid(ConfigError):
    """A configuration that is wrong, with its problems one by one."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.found = tuple(found)
        super().__init__(map(str, self.found))


def explained(error: Exception, origins: Mapping[PathKey, str], elsewhere: Elsewhere, at: PathKey = ()) -> Iterator[Problem]:
    """Every problem in `error`."""
    if isinstance(error, BaseValidationError):
        for each in error.exceptions:
            yield from explained(each, origins, elsewhere, (*at, *_step(each)))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields, key=str):
            text = _unknown(str(key), error.cl, elsewhere if not at else _nowhere)
            yield _problem((*at, str(key)), text, origins)
    elif isinstance(error, ConfigError):
        for problem in error.problems:
            yield _inner(at, problem, origins)
    elif isinstance(error, KeyError) and at and error.args == (at[-1],):
        yield _problem(at, REQUIRED, origins)
    elif isinstance(error, StructureHandlerNotFoundError):
        yield _problem(at, f"a field of type {error.type_} cannot be read from a configuration", origins)
    else:
        yield _problem(at, str(error) or type(error).__name__, origins)


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
    listed = "" if hint and len(names) > MANY else f" (fields: {', '.join(names)})"
    return f"no such field{hint}{listed}"


def _nowhere(_: str) -> Iterable[str]:
    return ()


def _problem(path: PathKey, text: str, origins: Mapping[PathKey, str]) -> Problem:
    return Problem(dotted(path), text, nearest_origin(path, origins) or "", missing=text.startswith(REQUIRED))


def _inner(at: PathKey, problem: str, origins: Mapping[PathKey, str]) -> Problem:
    """A problem that starts with a field of the class at `at`, or with none."""
    field, colon, text = problem.partition(": ")
    if at and colon and field.replace(".", "").replace("_", "").isalnum():
        return _problem((*at, *field.split(".")), text, origins)
    return _problem(at, problem, origins)


def nearest_origin(path: PathKey, origins: Mapping[PathKey, str]) -> str:
    """`file:line` of a value, or of the nearest part around it that a file has; "" for what comes from no file."""
    for end in range(len(path), 0, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    return ""
