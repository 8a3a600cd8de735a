"""What was given, before it is checked: plain data, and where each value comes from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from attrs import Factory, define

from hilt.config.problems import Problem, nearest_origin
from hilt.config.text import FlagText, PathKey, parse_value
from hilt_hooks import ConfigError, HiltError

DEFAULT = "default"
FLAG = "flag"
ABSENT = object()


@define
class Sources:
    """What was given. data: plain data, in which values of flags are FlagText.

    origins: `file:line` of what files hold, "" where a flag replaced it. unread: a station or file could not be read, so
    that what is missing may be in there.
    """

    data: dict[str, Any] = Factory(dict)
    origins: dict[PathKey, str] = Factory(dict)
    problems: list[Problem] = Factory(list)
    notes: list[str] = Factory(list)
    unread: bool = False

    def origin_of(self, path: PathKey) -> str:
        """Where a value of the configuration comes from: DEFAULT, FLAG, or `file:line`."""
        for way in (path, _as_single(path)):
            if _holds(self.data, way):
                return nearest_origin(way, self.origins) or FLAG
        return DEFAULT

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Errors that are raised within become problems."""
        try:
            yield
        except HiltError as error:
            lines = error.problems if isinstance(error, ConfigError) else (str(error),)
            self.problems += [Problem("", line) for line in lines]

    def merge(self, data: Mapping[str, Any], origins: Mapping[PathKey, str]) -> None:
        """Add the data of a file; in what both have, it wins."""
        _merge_into(self.data, data)
        self.origins.update(origins)

    def set(self, path: Sequence[str], value: Any, origin: str = "") -> None:
        """Put a value into nested mappings. A mapping on the way that a flag gave as text is opened."""
        inner = self.data
        for depth, key in enumerate(path[:-1], start=1):
            nested = inner.setdefault(key, {})
            if isinstance(nested, FlagText):
                nested = inner[key] = parse_value(nested)
            if not isinstance(nested, dict):
                raise ConfigError(f"{'.'.join(path)}: {'.'.join(path[:depth])} is {nested!r}, which has no fields")
            inner = nested
        inner[path[-1]] = value
        for known in [each for each in self.origins if each[: len(path)] == tuple(path)]:
            del self.origins[known]
        self.origins[tuple(path)] = origin

    def change(self, path: Sequence[str], value: Any) -> None:
        """As `set` for a flag; but of mappings that are there already, only what the value names is changed."""
        named = _mapping(value) if isinstance(_at(self.data, path), Mapping) else None
        if named is None:
            self.set(path, value)
            return
        for key, each in named.items():
            self.change((*path, str(key)), each)

    def take(self, field: str) -> Any:
        """Remove the value of a dotted field, and the mappings that are empty without it. ABSENT, if it is not there."""
        return _take(self.data, field)


def opened(value: Any) -> Any:
    """A value, that of a flag as YAML."""
    return parse_value(value) if isinstance(value, FlagText) else value


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    """A value that is one; what is wrong with another is said when it is structured."""
    with suppress(ConfigError):
        value = opened(value)
    return value if isinstance(value, Mapping) else None


def _at(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _holds(data: Any, path: PathKey) -> bool:
    for key in path:
        data = opened(data)
        if isinstance(data, Mapping):
            data = {str(each): value for each, value in data.items()}
        elif not (isinstance(data, list | tuple) and isinstance(key, int) and key < len(data)):
            return False
        if isinstance(data, Mapping) and key not in data:
            return False
        data = data[key]
    return True


def _as_single(path: PathKey) -> PathKey:
    """The way to the only one of a list: ("inputs", 0, "type") may be given as ("input", "type")."""
    for index, key in enumerate(path[:-1]):
        if isinstance(key, str) and key.endswith("s") and path[index + 1] == 0:
            return (*path[:index], key.removesuffix("s"), *path[index + 2 :])
    return path


def _merge_into(base: dict[str, Any], data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge_into(base[key], value)
        else:
            base[key] = _copied(value)


def _copied(value: Any) -> Any:
    return {key: _copied(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def _take(data: dict[str, Any], field: str) -> Any:
    key, _, rest = field.partition(".")
    if not rest:
        return data.pop(key, ABSENT)
    inner = data.get(key)
    if not isinstance(inner, dict):
        return ABSENT
    value = _take(inner, rest)
    if value is not ABSENT and not inner:
        del data[key]
    return value
