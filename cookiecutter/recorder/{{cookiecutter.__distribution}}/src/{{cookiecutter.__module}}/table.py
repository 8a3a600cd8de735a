"""The rows of an episode's log as a CSV file."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from hilt.ipc.messages import Column, Outcome, Row
from hilt.log import EpisodeLog

SUCCESS = "hilt.success"


def heading(columns: Sequence[Column]) -> list[str]:
    """`action.elbow.pos` for a component that has a name, `x.0` for one that has none, `x` for a single number."""
    return ["frame", *(f"{column.name}{suffix}" for column in columns for suffix in _suffixes(column))]


def write(log: EpisodeLog, file: TextIO) -> None:
    """Heading and rows. Enumerations are written as words; the images stay in the log."""
    writer = csv.writer(file)
    writer.writerow(heading(log.header.columns))
    writer.writerows(_line(row, log) for row in log.rows())


def heading_of(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])


def _suffixes(column: Column) -> list[str]:
    if column.names is not None:
        return [f".{name}" for name in column.names]
    return [""] if column.shape == [1] else [f".{index}" for index in range(column.shape[0])]


def _line(row: Row, log: EpisodeLog) -> Iterator[Any]:
    yield row.frame
    for column in log.header.columns:
        words = {number: word for word, number in (column.meaning or {}).items()}
        yield from (words.get(value, value) for value in _values(row, column.name, log.outcome))


def _values(row: Row, column: str, outcome: Outcome | None) -> Sequence[Any]:
    """How an episode ends is not known yet while its rows are recorded."""
    if column == SUCCESS and outcome is not None and outcome.success is not None:
        return [int(outcome.success)]
    values: Sequence[Any] = row.values[column]
    return values
