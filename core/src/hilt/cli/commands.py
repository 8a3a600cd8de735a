"""Which commands there are: core's own from a table of strings, those of plugins from metadata. Run on use, listed without."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module, metadata
from typing import Any, NamedTuple

GROUP = "hilt.commands"

_OWN = {
    "collect": ("Let a policy drive, take over, correct; keep every frame", "hilt.cli.session:collect"),
    "record": ("Record demonstrations", "hilt.cli.session:record"),
    "teleoperate": ("Move the robot by hand, record nothing", "hilt.cli.session:teleoperate"),
    "plugins": ("List what is installed, and what is wrong with it", "hilt.cli.plugins:app"),
    "config": ("Show or check the configuration of a command", "hilt.cli.config:app"),
}


class Source(NamedTuple):
    """Where a command comes from. distribution: "" for core's own."""

    summary: str
    reference: str
    distribution: str = ""


@cache
def own() -> Mapping[str, Source]:
    return {name: Source(summary, reference) for name, (summary, reference) in _OWN.items()}


@cache
def installed() -> Mapping[str, tuple[Source, ...]]:
    """Commands of plugins, sorted by name, each with all that claim it. A command's summary is its distribution's."""
    found: dict[str, tuple[Source, ...]] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name):
        about: Any = point.dist.metadata if point.dist else {}
        source = Source(about["Summary"] or "", point.value, f"{about['Name']} {about['Version']}")
        found[point.name] = (*found.get(point.name, ()), source)
    return found


def listed() -> dict[str, str]:
    """Every command with its summary; core's first."""
    plugins = {name: sources[0].summary for name, sources in installed().items() if name not in own()}
    return {name: source.summary for name, source in own().items()} | plugins


def load(name: str, plugins: bool = True) -> Any:
    """The typer app of a command, imported; None if there is no such command.

    Raises HiltError if the plugin that has it is broken, ConfigError if several have it.
    """
    if name in own():
        return resolve(own()[name].reference)
    sources = installed().get(name, ()) if plugins else ()
    if not sources:
        return None
    from hilt_hooks import ConfigError, HiltError

    if len(sources) > 1:
        owners = " and by ".join(source.distribution for source in sources)
        raise ConfigError(f"the command '{name}' is provided by {owners}; uninstall one")
    try:
        return resolve(sources[0].reference)
    except (ImportError, AttributeError) as error:
        text = f"the command '{name}' of {sources[0].distribution} cannot be loaded: {type(error).__name__}: {error}"
        raise HiltError(text) from error


def resolve(reference: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
