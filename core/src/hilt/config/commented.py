"""Plain data as YAML with comments, for a person to read and to edit."""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from hilt.config.text import PathKey, value_lines, write

_COLUMN, _WIDTH = 42, 80
"""Where comments beside values begin at the latest, and how wide those are that have a line of their own."""

Comment = Callable[[PathKey], str]


def write_commented(data: Mapping[str, Any], beside: Comment, above: Comment) -> str:
    """As `write`, with a comment beside and one above each value that holds no named ones; "" for none."""
    text, wanted = write(dict(data)), set(leaf_paths(data))
    lines = text.split("\n")
    leaves = {line - 1: path for path, line in value_lines(text).items() if path in wanted}
    besides = {index: comment for index, path in leaves.items() if (comment := beside(path))}
    column = min(max((len(lines[index]) for index in besides), default=0), _COLUMN)
    written = []
    for index, line in enumerate(lines):
        if index in leaves:
            written += _above(above(leaves[index]), indent=len(line) - len(line.lstrip(" -")))
        written.append(f"{line.ljust(column)}  # {besides[index]}" if index in besides else line)
    return "\n".join(written)


def leaf_paths(data: Any, at: PathKey = ()) -> list[PathKey]:
    """Where the values sit that hold no named ones: a list of numbers is one, a mapping only if it is empty."""
    if isinstance(data, Mapping) and data:
        return [path for key, each in data.items() for path in leaf_paths(each, (*at, str(key)))]
    if isinstance(data, list) and any(isinstance(each, Mapping) for each in data):
        return [path for index, each in enumerate(data) for path in leaf_paths(each, (*at, index))]
    return [at]


def without(data: Any, drop: Callable[[PathKey], bool], at: PathKey = ()) -> Any:
    """The data without the values at the paths that are to go; in a list that stays, nothing goes but what it consists of.

    A mapping of which nothing is left goes, too.
    """
    if isinstance(data, Mapping):
        kept = {}
        for key, each in data.items():
            here = (*at, str(key))
            if not all(map(drop, leaf_paths(each, here))):
                kept[key] = without(each, drop, here)
        return kept
    if isinstance(data, list):
        return [without(each, drop, (*at, index)) for index, each in enumerate(data)]
    return data


def _above(text: str, indent: int) -> list[str]:
    pad = " " * indent
    return [f"{pad}# {line}" for line in textwrap.wrap(text, _WIDTH - indent - 2)] if text else []
