"""A report: sections of text, tables, figures and images, written as one HTML file."""

import math
import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import jinja2
import numpy as np
from attrs import Factory, define, field, frozen
from markupsafe import Markup
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

IMAGE_WIDTH = 240
"""Images are scaled down to this many pixels, so that a report of many episodes still opens."""


@frozen(eq=False)
class Image:
    """pixels: (h, w, 3) uint8, RGB. caption: goes below, and is what a screen reader says."""

    pixels: NDArray[np.uint8]
    caption: str


@frozen
class Link:
    """A cell of a table that leads to a section of the same report."""

    text: str
    to: "Section"


Cell = str | int | float | Link


@frozen
class _Text:
    kind: ClassVar[str] = "text"
    text: str


@frozen
class _Table:
    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str


@frozen
class _Figure:
    kind: ClassVar[str] = "figure"
    svg: Markup
    alt: str
    caption: str


@frozen
class _Images:
    kind: ClassVar[str] = "images"
    images: Sequence[tuple[str, str]]
    label: str


@define
class Section:
    """A part of a report. collapsed: only the heading shows until it is opened."""

    heading: str
    anchor: str
    collapsed: bool = False
    blocks: list[Any] = field(factory=list)

    def text(self, text: str) -> None:
        """A paragraph, as it is: nothing in it is markup."""
        self.blocks.append(_Text(text))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str = "") -> None:
        """A column whose first cell is a number is set to the right. Floats have two decimals or digits; NaN is a dash."""
        self.blocks.append(_Table(columns, [list(row) for row in rows], caption))

    def figure(self, drawing: "Drawing", *, alt: str, caption: str = "") -> None:
        """A matplotlib figure, drawn now. alt: what it shows, for those who cannot see it."""
        from hilt.report.figures import svg

        self.blocks.append(_Figure(Markup(svg(drawing)), alt, caption))  # noqa: S704 matplotlib's, and it escapes text

    def images(self, images: Iterable[Image], *, label: str = "") -> None:
        """A strip of images, side by side."""
        from hilt.report.figures import data_uri

        self.blocks.append(_Images([(data_uri(each.pixels, IMAGE_WIDTH), each.caption) for each in images], label))


@define
class Report:
    """report = Report("Latency"); report.section("Results").table(...); report.write(Path("latency.html"))"""

    title: str
    subtitle: str = ""
    sections: list[Section] = Factory(list)

    def section(self, heading: str, *, collapsed: bool = False) -> Section:
        """A new section at the end."""
        section = Section(heading, f"section-{len(self.sections) + 1}", collapsed)
        self.sections.append(section)
        return section

    def html(self) -> str:
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
        environment.tests["number"] = lambda cell: isinstance(cell, int | float)
        environment.tests["link"] = lambda cell: isinstance(cell, Link)
        environment.filters["number"] = _number
        template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
        return template.render(report=self)

    def write(self, path: Path) -> Path:
        """Write the page to `path`, whose folder is made if need be. A reader sees the old page or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        draft.write_text(self.html(), encoding="utf-8")
        os.replace(draft, path)
        return path


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "–"  # noqa: RUF001 a dash
    return f"{value:.2g}" if 0 < abs(value) < 0.1 else f"{value:,.2f}"
