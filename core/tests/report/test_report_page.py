"""The page: one file, nothing from outside, and nothing in it that was meant as text is markup."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from page_reader import Page

from hilt.report import Image, Link, Report
from hilt.report.figures import stacked

EVIL = '<script>alert("x")</script> & "quotes"'


def drawing() -> object:
    with stacked([1.0]) as (figure, (axes,)):
        axes.plot([0, 1], [0, 1], label=EVIL)
        axes.set_title(EVIL)
    return figure


def full_report() -> Report:
    report = Report(EVIL, EVIL)
    first, second = report.section(EVIL), report.section("Second", collapsed=True)
    first.text(EVIL)
    first.table(["name", EVIL], [[EVIL, 1], [Link("second", second), 2]], caption=EVIL)
    second.images([Image(np.zeros((4, 4, 3), np.uint8), EVIL)], label=EVIL)
    second.figure(drawing(), alt=EVIL, caption=EVIL)  # type: ignore[arg-type]
    return report


def test_text_is_never_markup() -> None:
    page = Page(full_report().html())
    assert "script" not in page.tags
    assert page.text.count(EVIL) >= 8


def test_everything_is_inside_the_file(tmp_path: Path) -> None:
    html = full_report().write(tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert page.references
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert "url(http" not in html
    assert "@import" not in html


def test_links_lead_to_sections() -> None:
    page = Page(full_report().html())
    assert "#section-2" in page.references
    assert "section-2" in page.ids
    assert ("details" in page.tags, "section" in page.tags) == (True, True)


def test_ids_are_unique_on_a_page_of_several_figures() -> None:
    report = Report("figures")
    section = report.section("all")
    for _ in range(3):
        section.figure(drawing(), alt="a line")  # type: ignore[arg-type]
    groups = [id for id in Page(report.html()).ids if id.startswith(("figure", "axes", "patch", "text"))]
    assert groups == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345, "12,345"), (0.5, "0.50"), (12.3456, "12.35"), (0.01234, "0.012"), (0.0, "0.00"), (float("nan"), "–")],  # noqa: RUF001
)
def test_numbers(value: float, shown: str) -> None:
    report = Report("numbers")
    report.section("all").table(["n"], [[value]])
    html = report.html()
    assert Page(html).tables == [[["n"], [shown]]]
    assert '<td class="number">' in html


def test_text_in_a_column_of_numbers_lines_up_with_them() -> None:
    report = Report("numbers")
    report.section("all").table(["", "value"], [["a", 1], ["b", "none"]])
    assert report.html().count('class="number"') == 3


def test_images_are_shrunk_and_keep_their_colour() -> None:
    pixels = np.zeros((300, 1000, 3), np.uint8)
    pixels[:, :, 0] = 200
    report = Report("images")
    report.section("all").images([Image(pixels, "red")])
    (source,) = Page(report.html()).references
    decoded = imread(io.BytesIO(base64.b64decode(source.partition(",")[2])), format="jpeg")
    assert decoded.shape == (60, 200, 3)
    assert np.abs(decoded.astype(int) - [200, 0, 0]).max() < 10


def test_a_page_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    Report("old").write(path)
    Report("new").write(path)
    assert "<h1>new</h1>" in path.read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_matplotlib_waits_for_the_first_figure() -> None:
    code = "import sys, hilt.report; print([name for name in ('matplotlib', 'av', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
