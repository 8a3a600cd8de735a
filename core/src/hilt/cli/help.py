"""The help of a command: its fields, a line each, in groups."""

import shutil
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import attrs

from hilt.config import Row, describe, gather
from hilt.config.fields import option_of
from hilt.kernel import Registry

LEFT = {True: 46, False: 36}
"""Columns for the flag and its default, on a wide (100 columns and more) and on a narrow terminal."""


def render(name: str, summary: str, config: type[Any], argv: list[str], registry: Registry) -> str:
    """The help text. Fields of a device are in it once `argv` says which type it is."""
    width = max(72, min(120, shutil.get_terminal_size().columns))
    rows = [row for row in describe(config, registry, gather(config, argv, registry).data) if row.is_flag]
    text = [
        f"Usage: hilt {name} [--station=NAME] [--config=FILE] [--FIELD=VALUE ...]",
        "",
        *textwrap.wrap(summary, width),
        "",
        "Fields and their defaults; * is required. Lists and mappings as in YAML:",
        "--x='{a: 1, b: [2, 3]}'.",
    ]
    rows.sort(key=lambda row: row.group != "")
    for group, members in groupby(rows, key=lambda row: row.group):
        text += ["", *_group(group, list(members), config, width)]
    return "\n".join([*text, "", *_general(width)])


def _group(group: str, rows: list[Row], config: type[Any], width: int) -> Iterator[str]:
    about = {attribute.name: option_of(attribute).help for attribute in attrs.fields(config)}
    yield f"{group}: {about[group]}" if about.get(group) else group or "Command"
    for row in rows:
        is_type = row.path == f"{group}.type"
        yield from entry(f"{'*' if row.required else ' '} --{flag_with_default(row)}", _right(row, is_type), width)
    if len(rows) == 1 and rows[0].path == f"{group}.type":
        yield f"    (its fields are listed once --{group}.type=TYPE is given)"


def flag_with_default(row: Row) -> str:
    """`policy.threads=1`; of a field without a default, `policy.path=TEXT`."""
    shown = row.type if row.required or row.default is None else _flow(row.default)
    return f"{row.path}={shown} {row.option.unit}".rstrip()


def _flow(value: Any) -> str:
    """A value as a flag takes it: YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_flow, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value) or "''"


def _right(row: Row, is_type: bool) -> str:
    low, high = row.option.minimum, row.option.maximum
    limits = ", ".join(f"{word} {value:g}" for word, value in (("min", low), ("max", high)) if value is not None)
    choices = ", ".join(map(_flow, row.choices))
    parts = ["" if is_type else row.option.help]
    if is_type:
        parts.append(f"installed: {choices or 'none'}")
    elif choices and choices.replace(", ", "|") != row.type:
        parts.append(f"(one of {choices})")
    elif choices:
        parts.append(f"({choices})")
    if limits:
        parts.append(f"({limits})")
    return " ".join(filter(None, parts))


def entry(left: str, right: str, width: int) -> Iterator[str]:
    """Two columns, the right one wrapped; a left side that is too long has a line of its own."""
    columns = LEFT[width >= 100]
    indent = " " * (columns + 2)
    lines = textwrap.wrap(right, width - len(indent), break_long_words=False) or [""]
    if len(left) > columns:
        yield left
        yield from (indent + line for line in lines if line)
        return
    yield f"{left:<{columns}}  {lines[0]}".rstrip()
    yield from (indent + line for line in lines[1:])


def _general(width: int) -> Iterator[str]:
    yield "General"
    for flag, text in (
        ("--station=NAME", "Start from a station: a file, or the name of one; hilt config stations lists them"),
        ("--config=FILE", "Then read this YAML or JSON file; may be given more than once"),
        ("--dry-run", "Check everything, say what would be done, touch nothing"),
        ("--verbose", "Show tracebacks"),
        ("--no-plugins", "Load no plugins"),
    ):
        yield from entry(f"  {flag}", text, width)
