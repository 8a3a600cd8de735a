"""Text in columns that fits the terminal."""

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

LABEL = 16
"""Columns of a label and the space before it."""

_GAP = "  "
_LEAST = 24


def width_of(console: Console) -> int:
    """Columns to fill: no more than is read well."""
    return min(120, console.width)


def columns(head: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> Text:
    """A table whose last column is wrapped, each of its lines on its own."""
    lefts = [max([len(head[column]), *(len(row[column]) for row in rows)]) for column in range(len(head) - 1)]
    indent = sum(left + len(_GAP) for left in lefts)
    lines = [Text(_GAP.join([*(f"{word:<{left}}" for word, left in zip(head, lefts, strict=False)), head[-1]]), "bold")]
    for row in rows:
        line = Text()
        for cell, left in zip(row, lefts, strict=False):
            line.append_text(cell).append(" " * (left - len(cell)) + _GAP)
        line.append(_hanging(row[-1].plain.splitlines(), indent, width))
        line.rstrip()
        lines.append(line)
    return Text("\n").join(lines)


def labelled(label: str, text: str, width: int) -> Text:
    """A label and its text, wrapped beside it; without a label, indented a little."""
    left = f"  {label:<{LABEL - 2}}" if label else "  "
    return Text(left).append(_hanging([text], len(left), width))


def _hanging(lines: Sequence[str], indent: int, width: int) -> str:
    wide = max(_LEAST, width - indent)
    wrapped = [
        each if number == 0 else f"  {each}"
        for line in lines
        for number, each in enumerate(textwrap.wrap(line, wide - 2, break_long_words=False, break_on_hyphens=False))
    ]
    return f"\n{' ' * indent}".join(wrapped)
