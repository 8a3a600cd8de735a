"""Which distributions have something for hilt, read from metadata. Nothing of them is imported, and nothing slow is either."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import NamedTuple

PLUGINS = "hilt"
COMMANDS = "hilt.commands"
"""Groups of entry points."""

DISABLE = "HILT_DISABLE"
"""Environment variable: names of plugins or distributions to leave alone, separated by commas."""


class Installed(NamedTuple):
    """One distribution. problem: why its entry points cannot be read; there are none then."""

    name: str
    version: str
    summary: str
    requires: tuple[str, ...]
    plugins: tuple[metadata.EntryPoint, ...] = ()
    commands: tuple[metadata.EntryPoint, ...] = ()
    problem: str = ""

    @property
    def source(self) -> str:
        """As messages name it: `hilt-robot-so 0.1.0`."""
        return f"{self.name} {self.version}"


def installed(path: Sequence[str] | None = None) -> list[Installed]:
    """The distributions on `path` (default: `sys.path`) that have entry points of hilt's groups, sorted by name.

    A distribution that is there twice counts once, as where it is found first: that one would be imported.
    """
    folders = list(sys.path if path is None else path)
    found: dict[str, Installed] = {}
    for each in metadata.distributions(path=folders):
        if _concerns_us(each):
            read = _read(each)
            name = normalised(read.name)
            if name and name not in found and _is_first(each, name, folders):
                found[name] = read
    return [found[name] for name in sorted(found)]


def disabled() -> frozenset[str]:
    """The normalised names in `HILT_DISABLE`."""
    return frozenset(normalised(name) for name in _disable_words())


def unknown_disabled() -> Iterator[str]:
    """What is to be said of names in `HILT_DISABLE` that nothing has."""
    words = _disable_words()
    if not words:
        return
    from difflib import get_close_matches

    known = {normalised(name): name for each in installed() for name in (each.name, *_names(each))}
    for word in words:
        if normalised(word) not in known:
            near = get_close_matches(normalised(word), known, n=1)
            hint = f"did you mean {known[near[0]]}?" if near else "hilt plugins lists the names"
            yield f"{DISABLE} names '{word}', which is not installed; {hint}"


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _disable_words() -> list[str]:
    return [word.strip() for word in os.environ.get(DISABLE, "").split(",") if word.strip()]


def _names(each: Installed) -> list[str]:
    return [point.name for point in (*each.plugins, *each.commands)]


def _concerns_us(found: metadata.Distribution) -> bool:
    """Only the text is looked at: the file of any distribution may be damaged, and that must not concern the others."""
    return re.search(r"^\[\s*hilt(\.commands)?\s*\]", found.read_text("entry_points.txt") or "", re.MULTILINE) is not None


def _is_first(found: metadata.Distribution, name: str, folders: list[str]) -> bool:
    """Whether no folder before has a distribution of this name, with or without something for hilt."""
    first = next(iter(metadata.distributions(name=name, path=folders)), found)
    return first.locate_file("") == found.locate_file("")


def _read(found: metadata.Distribution) -> Installed:
    about = found.metadata  # parsed anew each time
    name, version, summary = ((about.get_all(header) or [""])[0] for header in ("Name", "Version", "Summary"))
    read = Installed(name, version, summary, tuple(about.get_all("Requires-Dist") or ()))
    try:
        points = found.entry_points
    except Exception as error:  # depending on the version of Python, anything
        return read._replace(problem=f"its entry_points.txt cannot be read ({type(error).__name__}: {error})")
    return read._replace(plugins=tuple(points.select(group=PLUGINS)), commands=tuple(points.select(group=COMMANDS)))
