"""Text to plain data: YAML and JSON files, and the values of flags.

The YAML read here differs from PyYAML's default in what surprises in a robot's configuration: `1e-3` is a number,
`12:30` and `2024-01-01` are text, `010` is ten, and a key given twice is an error.
"""

import json
import math
import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from hilt_hooks import ConfigError

PathKey = tuple[str | int, ...]
"""Where a value sits: ("robot", "cameras", "front", "fps")."""

_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F]+|0[0-9]+)$")
_FLOAT = re.compile(
    r"^[-+]?(?:(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+\.(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.nan$"
)


NULLS = ("", "~", "null", "Null", "NULL")
"""How YAML writes nothing."""


class FlagText(str):
    """The value of a flag as it was typed. What it means depends on the type of its field."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    pass


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    return int(text, 16) if "0x" in text else int(text)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.rpartition(":")[2] not in ("int", "float", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_value(text: str) -> Any:
    """A flag's value as YAML: a scalar or a flow collection. Raises ConfigError."""
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(f"{text!r} is not valid YAML: {_problem(error)}") from error


def read_file(path: Path, called: str = "") -> tuple[dict[str, Any], dict[PathKey, str]]:
    """The mapping in a YAML or JSON file, and for each value in it `file:line`. called: how to name the file.

    Raises ConfigError if the file cannot be read, is malformed, or repeats a key.
    """
    name = called or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{name}: cannot be read: {why}") from error
    origins: dict[PathKey, str] = {}
    data = _json(name, text, origins) if path.suffix == ".json" else _yaml(name, text, origins)
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise ConfigError(f"{name}: holds {type(data).__name__}, not a mapping of fields")
    return dict(data), origins


def write(data: Any) -> str:
    """Plain data as YAML that `read_file` gives back."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)
    return text


def value_lines(text: str) -> dict[PathKey, int]:
    """Of YAML text that is well-formed: the line of each value, counted from 1."""
    origins: dict[PathKey, str] = {}
    _yaml("", text, origins)
    return {path: int(origin.removeprefix(":")) for path, origin in origins.items()}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Always on one line."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "".join(text.splitlines()) != text else None)


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    """On one line, unless it holds mappings or lists."""
    flat = not any(isinstance(each, dict | list) for each in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flat)


_Dumper.add_representer(str, _represent_str)
_Dumper.add_representer(list, _represent_list)
_Dumper.yaml_implicit_resolvers = {
    first: _Loader.yaml_implicit_resolvers.get(first, []) + yaml.SafeDumper.yaml_implicit_resolvers.get(first, [])
    for first in {*_Loader.yaml_implicit_resolvers, *yaml.SafeDumper.yaml_implicit_resolvers}
}
"""Both, so that text which either reading takes for a number is quoted."""


def _json(path: str, text: str, origins: dict[PathKey, str]) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ConfigError(f"{path}: given twice: {', '.join(repeated)}")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg}") from error
    with suppress(ConfigError):  # the few JSON files that are no YAML: lines are a convenience
        _yaml(path, text.replace("\t", " "), origins)
    return data


def _yaml(path: str, text: str, origins: dict[PathKey, str]) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        repeated: list[str] = []
        _note_lines(node, (), path, origins, repeated)
        if repeated:
            raise ConfigError(repeated)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(_problem(error, path)) from error
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, at: PathKey, file: str, origins: dict[PathKey, str], repeated: list[str]) -> None:
    origins.setdefault(at, f"{file}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _note_lines(child, (*at, index), file, origins, repeated)
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, child in node.value:
            name = str(key.value)
            line = f"{file}:{key.start_mark.line + 1}"
            if name in seen and name != "<<":
                repeated.append(f"{line}: '{name}' is given twice")
            seen.add(name)
            origins[*at, name] = line
            _note_lines(child, (*at, name), file, origins, repeated)


def _problem(error: yaml.YAMLError, file: str = "") -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        where = f"{file}:{mark.line + 1}: " if file else ""
        return f"{where}{error.problem}, at column {mark.column + 1}"
    return f"{file}: {error}" if file else str(error)
