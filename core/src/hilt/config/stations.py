"""Where stations are found: files in a few folders, and the bundles that a lab has installed."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt.config.text import PathKey, read_file
from hilt.kernel import Registry, build
from hilt_hooks import BundleDescriptor, ConfigError

FOLDERS = "HILT_STATIONS"
"""Variable with more folders in which stations are looked for, separated as in PATH."""

SUFFIXES = (".yaml", ".yml", ".json")

Read = tuple[dict[str, Any], dict[PathKey, str]]
"""A file's data, and for each value in it where it stands."""


@frozen
class StationSource:
    """A station that can be named: a file, or a bundle."""

    name: str
    file: Path | None = None
    bundle: BundleDescriptor | None = None

    @property
    def where(self) -> str:
        return short(self.file) if self.file else f"bundle {self.name}"

    def read(self) -> Read:
        """Raises ConfigError where the file, or what the bundle gives, is no mapping."""
        if self.file:
            return read_file(self.file, self.where)
        data: Any = build(self.bundle) if self.bundle else None
        if not isinstance(data, Mapping):
            raise ConfigError(f"{self.where}: gives {type(data).__name__}, not a mapping of fields; tell its author")
        return dict(data), {(str(key),): self.where for key in data}


def folders() -> tuple[Path, ...]:
    """Where files are looked for by name; the first that has it wins."""
    listed = [Path(each).expanduser() for each in os.environ.get(FOLDERS, "").split(os.pathsep) if each]
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path("stations"), *listed, own / "hilt" / "stations"


def stations(registry: Registry) -> list[StationSource]:
    """All that have a name, the first of a name being the one that is meant. Files come before bundles."""
    files = [StationSource(file.stem, file) for folder in folders() for file in _files(folder)]
    bundles = registry.all(BundleDescriptor)
    return files + [StationSource(name, bundle=each) for each in bundles for name in (each.name, *each.aliases)]


def find(name: str, registry: Registry) -> StationSource:
    """The station that `--station=NAME` means: a path, or the name of one that lies in its place.

    Raises ConfigError with those that there are.
    """
    file = Path(name).expanduser()
    if file.suffix in SUFFIXES or os.sep in name:
        if file.is_file():
            return StationSource(file.stem, file)
        raise ConfigError(f"station: there is no file {name}{_known(file.stem, registry)}")
    claims = [each for each in stations(registry) if each.name == name]
    if not claims:
        raise ConfigError(f"station: there is none called '{name}'{_known(name, registry)}")
    first = claims[0]
    if first.bundle is not None:
        return StationSource(name, bundle=registry.find(BundleDescriptor, name))
    twins = [each.where for each in claims if each.file and first.file and each.file.parent == first.file.parent]
    if len(twins) > 1:
        raise ConfigError(f"station: '{name}' may be {' or '.join(twins)}; give the path, or remove one")
    return first


def short(path: Path) -> str:
    """A path as a person would write it: relative where it is below the working folder, `~` for the home folder."""
    absolute = path.absolute()
    for base, mark in ((Path.cwd(), ""), (Path.home(), "~/")):
        if absolute.is_relative_to(base):
            return f"{mark}{absolute.relative_to(base)}"
    return str(path)


def places() -> str:
    """All places where stations are looked for, in words."""
    return ", ".join([*(f"{short(folder)}/" for folder in folders()), "installed bundles"])


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())


def _known(name: str, registry: Registry) -> str:
    known: dict[str, str] = {}
    for each in stations(registry):
        known.setdefault(each.name, each.where)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]}?" if near else ""
    listed = ", ".join(f"{each} ({where})" for each, where in known.items())
    return f"{guess}; known: {listed or 'none'}; looked in: {places()}"
