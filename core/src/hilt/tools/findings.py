"""What a check found, and how a person reads it."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from attrs import frozen
from rich.console import Console
from rich.text import Text

from hilt.cli.layout import columns, labelled, width_of


class Level(StrEnum):
    GOOD = "ok"
    NOTE = "note"
    WRONG = "WRONG"


STYLE = {Level.GOOD: "green", Level.NOTE: "yellow", Level.WRONG: "bold red"}


@frozen
class Finding:
    """what: the thing that was looked at. next: what a person does about it."""

    what: str
    text: str
    level: Level = Level.GOOD
    next: str = ""


@frozen
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@frozen
class Section:
    """What was found about one thing; what is in the table is not among the findings unless something is wrong with it."""

    title: str
    findings: Sequence[Finding]
    table: Table | None = None


def wrong(what: str, error: object, next: str = "") -> Finding:
    """An error as a finding; of one with several lines, all."""
    return Finding(what, str(error), Level.WRONG, next)


def show(section: Section, console: Console) -> None:
    width = width_of(console)
    console.print(Text(f"\n{section.title}", "bold"))
    if section.table is not None:
        rows = [[Text(cell) for cell in row] for row in section.table.rows]
        console.print(columns(section.table.head, rows, width), soft_wrap=True)
    for each in section.findings:
        mark = Text(f"{each.level.value:<6}", STYLE[each.level])
        first, *rest = each.text.splitlines() or [""]
        console.print(mark + _beside(each.what, first, width), soft_wrap=True)
        for line in rest:
            console.print(Text(" " * 6) + _beside(" ", line.strip(), width), soft_wrap=True)
        if each.next:
            console.print(Text(" " * 6) + _beside("what to do", each.next, width), soft_wrap=True)


def show_verdict(sections: Iterable[Section], console: Console) -> bool:
    """Say in the end how much is wrong. Gives whether nothing is."""
    found = [(section.title, each) for section in sections for each in section.findings if each.level is Level.WRONG]
    if not found:
        console.print(Text("\nNothing is wrong.", "bold green"))
        return True
    count = "One thing is" if len(found) == 1 else f"{len(found)} things are"
    console.print(Text(f"\n{count} wrong:", "bold red"))
    for title, each in found:
        console.print(Text(f"  {title}: {each.what}"), soft_wrap=True)
    return False


def _beside(label: str, text: str, width: int) -> Text:
    """A label, and its text wrapped beside it, behind a mark of 6 columns."""
    wrapped = labelled(label, text, width - 6).plain.splitlines()
    return Text("\n".join([wrapped[0], *(" " * 6 + line for line in wrapped[1:])]))
