"""The plugins among what is installed: nothing of a plugin is imported here."""

import re
from collections.abc import Iterator, Sequence
from importlib import metadata

from attrs import frozen
from packaging.requirements import Requirement
from packaging.version import Version

from hilt.installed import PLUGINS, installed, normalised

CONTRACTS = ("hilt-hooks", "hilt")
"""The distributions whose versions say which contracts there are."""


@frozen
class Entry:
    """One entry point of the group `hilt`, and the distribution that has it. problem: why there is no point to load."""

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...]
    point: metadata.EntryPoint
    problem: str = ""

    @property
    def made_for(self) -> tuple[str, ...]:
        """What the distribution's metadata says of the contracts: `hilt-hooks>=0.1,<0.2`. () if it says nothing."""
        return tuple(text for text in self.requires if normalised(_bare(text)) in CONTRACTS)


def entries(path: Sequence[str] | None = None) -> Iterator[Entry]:
    """The entries of all distributions on `path` (default: `sys.path`), sorted by name."""
    found = []
    for each in installed(path):
        about = (each.name, each.version, each.requires)
        found += [Entry(point.name, *about, point) for point in each.plugins]
        if each.problem:
            found.append(Entry(each.name, *about, metadata.EntryPoint(each.name, "", PLUGINS), each.problem))
    return iter(sorted(found, key=lambda entry: (entry.name, entry.distribution)))


def other_contracts(entry: Entry) -> list[str]:
    """What the entry's distribution was made for and is not there: `hilt-hooks>=0.2 (0.1.0 is installed)`.

    A development version counts as the release that it leads to.
    """
    found = [(text.partition(";")[0].strip(), Requirement(text)) for text in entry.made_for]
    there = [(text, each.specifier, metadata.version(each.name)) for text, each in found if _applies(each)]
    return [
        f"{text} ({version} is installed)"
        for text, specifier, version in there
        if not specifier.contains(Version(version).base_version, prereleases=True)
    ]


def unmet(requirements: Sequence[str]) -> list[str]:
    """Those of `requirements` (as in a distribution's metadata) that are not installed. Extras do not count."""
    return [_bare(text) for text in requirements if "extra ==" not in text and not _installed(_bare(text))]


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _bare(requirement: str) -> str:
    return re.split(r"[\s\[(<>=!~;@]", requirement.strip(), maxsplit=1)[0]


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
