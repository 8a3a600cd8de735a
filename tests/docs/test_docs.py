"""Pages say what the code does: regions are up to date, links lead somewhere, commands would be accepted."""

import ast
import importlib.util
import inspect
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hilt.cli import commands
from hilt.cli.configured import ConfigApp
from hilt.kernel import Registry
from hilt_hooks import Hooks

ROOT = Path(__file__).parents[2]
OWN = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "cookiecutter/README.md")]
PAGES = [*OWN, *sorted((ROOT / "docs").rglob("*.md"))]
READMES = [ROOT / "core/README.md", ROOT / "hooks/README.md", *sorted(ROOT.glob("plugins/*/*/README.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
LONGEST_DECISION = 25

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()


def blocks(page: Path, *languages: str) -> Iterator[str]:
    return (text for language, text in _FENCE.findall(page.read_text()) if language in languages)


def shell_commands(page: Path) -> Iterator[list[str]]:
    """The `hilt` commands of a page that are complete: no `...` in them."""
    for text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["hilt"] and "..." not in line:
                yield words[1:]


@pytest.mark.parametrize("page", GENERATOR.pages(), ids=named)
def test_generated_regions_are_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert text == GENERATOR.updated(text), "run: python docs/generate.py"


def test_every_region_is_on_some_page() -> None:
    text = "".join(page.read_text() for page in GENERATOR.pages())
    assert sorted(GENERATOR.REGIONS) == sorted(set(re.findall(r"<!-- generated: (\w+) -->", text)))


def test_every_hook_is_a_heading_with_its_arguments() -> None:
    headings = [line.strip("# `") for line in (ROOT / "docs/plugins.md").read_text().splitlines() if line.startswith("#")]
    hooks = [hook for name, hook in inspect.getmembers(Hooks, inspect.isfunction) if name.startswith("hilt_")]
    assert hooks
    for hook in hooks:
        given = [name for name in inspect.signature(hook).parameters if name != "self"]
        (heading,) = [each for each in headings if each.startswith(f"{hook.__name__}(")]
        assert re.findall(r"(\w+): ", heading) == given


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=named)
def test_commands_would_be_accepted(page: Path, registry: Registry) -> None:
    for name, *arguments in shell_commands(page):
        assert name in commands.listed(), f"there is no command {name}"
        app = commands.load(name)
        if name == "config":
            _, name, *arguments = arguments
            app = commands.load(name) if arguments else None
        if isinstance(app, ConfigApp) and "--help" not in arguments:
            app.parse(arguments, registry)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def test_commands_that_are_documented_are_found() -> None:
    assert {words[0] for words in shell_commands(ROOT / "README.md")} >= {"collect", "record", "teleoperate", "train", "emulate"}


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=named)
def test_python_is_python(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(textwrap.dedent(text))


def test_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    paths = [path for path in re.findall(r"`([\w/.]+)`", text) if "/" in path and not path.startswith("/")]
    assert paths
    missing = [path for path in paths if not any((base / path).exists() for base in (ROOT, ROOT / "core/src/hilt"))]
    assert not missing


def test_the_readme_names_the_system_packages_that_the_check_asks_for() -> None:
    asked = re.findall(r"need \"?([\w .-]+?)\"?$", (ROOT / "tools/check-system.sh").read_text(), re.MULTILINE)
    assert asked
    readme = (ROOT / "README.md").read_text()
    assert not [package for packages in asked for package in packages.split() if package not in readme]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_short_and_complete(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.name[:4]} ")
    assert len(text.splitlines()) <= LONGEST_DECISION
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert f"]({page.name})" in (page.parent / "README.md").read_text()


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
