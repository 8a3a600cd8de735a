"""Which plugins are installed, read from metadata: nothing of a plugin is imported here."""

import os
import re
from collections.abc import Iterator, Sequence
from importlib import metadata

from attrs import frozen

GROUP = "hilt"
DISABLE = "HILT_DISABLE"
"""Environment variable: names of plugins or distributions to leave alone, separated by commas."""


@frozen
class Entry:
    """One entry point of the group `hilt`, and the distribution that has it."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...]
    point: metadata.EntryPoint


def entries(path: Sequence[str] | None = None) -> Iterator[Entry]:
    """The entries of all distributions on `path` (default: `sys.path`), sorted by name.

    A distribution that is there twice counts once, as where it is found first: that one would be imported.
    """
    seen: set[str] = set()
    found: list[Entry] = []
    for distribution in metadata.distributions(path=list(path)) if path is not None else metadata.distributions():
        name = distribution.metadata["Name"]
        if name is None or normalised(name) in seen:
            continue
        seen.add(normalised(name))
        requires = tuple(distribution.requires or ())
        points = distribution.entry_points.select(group=GROUP)
        found += [Entry(point.name, name, distribution.version, requires, point) for point in points]
    return iter(sorted(found, key=lambda entry: (entry.name, entry.distribution)))


def disabled(environment: str | None = None) -> frozenset[str]:
    """The normalised names in `HILT_DISABLE`, or in `environment` if given."""
    text = os.environ.get(DISABLE, "") if environment is None else environment
    return frozenset(normalised(name) for name in text.split(",") if name.strip())


def unmet(requirements: Sequence[str]) -> list[str]:
    """Those of `requirements` (as in a distribution's metadata) that are not installed. Extras do not count."""
    return [_bare(text) for text in requirements if "extra ==" not in text and not _installed(_bare(text))]


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _bare(requirement: str) -> str:
    return re.split(r"[\s\[(<>=!~;@]", requirement.strip(), maxsplit=1)[0]


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
