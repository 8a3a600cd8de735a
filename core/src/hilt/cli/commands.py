"""Which commands there are: core's own from a table of strings, those of plugins from metadata. Run on use, listed without."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from hilt.cli.state import NO_PLUGINS
from hilt.installed import DISABLE, Installed, disabled, normalised
from hilt.installed import installed as distributions

_OWN = {
    "collect": ("Let a policy drive, take over, correct; keep every frame", "hilt.cli.session:collect"),
    "record": ("Record demonstrations", "hilt.cli.session:record"),
    "teleoperate": ("Move the robot by hand, record nothing", "hilt.cli.session:teleoperate"),
    "replay": ("Let the robot do again what was recorded", "hilt.cli.session:replay"),
    "find-port": ("Tell which serial port is which arm", "hilt.cli.tools:find_port"),
    "find-cameras": ("Take a picture with every camera there is", "hilt.cli.tools:find_cameras"),
    "doctor": ("Check arms, cameras, inputs and this computer", "hilt.cli.tools:doctor"),
    "setup-motors": ("Give new motors their ids, one after the other", "hilt.cli.arms:setup_motors"),
    "calibrate": ("Calibrate an arm by moving it; compare leader and robot", "hilt.cli.arms:calibrate"),
    "plugins": ("List what is installed, and what is wrong with it", "hilt.cli.plugins:app"),
    "config": ("Show or check the configuration of a command", "hilt.cli.config:app"),
}


class Source(NamedTuple):
    """Where a command comes from. by: the distribution and its version, None for core's own. off: left out by HILT_DISABLE."""

    summary: str
    reference: str
    by: Installed | None = None
    off: bool = False


@cache
def own() -> Mapping[str, Source]:
    return {name: Source(summary, reference) for name, (summary, reference) in _OWN.items()}


@cache
def installed() -> Mapping[str, tuple[Source, ...]]:
    """Commands of plugins, sorted by name, each with all that claim it. A command's summary is its distribution's."""
    found: dict[str, tuple[Source, ...]] = {}
    for each in distributions():
        for point in each.commands:
            names = {normalised(name) for name in (point.name, each.name, *(plugin.name for plugin in each.plugins))}
            source = Source(each.summary, point.value, each, off=not names.isdisjoint(disabled()))
            found[point.name] = (*found.get(point.name, ()), source)
    return dict(sorted(found.items()))


def listed(plugins: bool = True) -> dict[str, str]:
    """Every command with its summary; core's first. plugins: whether those of plugins, too."""
    found = {name: source.summary for name, source in own().items()}
    for name, sources in installed().items() if plugins else ():
        if active := [source for source in sources if not source.off]:
            found.setdefault(name, active[0].summary)
    return found


def load(name: str, plugins: bool = True) -> Any:
    """The app of a command, imported; None if there is no such command.

    Raises HiltError if the plugin that has it is broken, ConfigError if several have it or if it is left out.
    """
    if name in own():
        return resolve(own()[name].reference)
    sources = installed().get(name, ())
    if not sources:
        return None
    from hilt_hooks import ConfigError

    if not (found := [source for source in sources if plugins and not source.off]):
        by = DISABLE if plugins else NO_PLUGINS
        raise ConfigError(f"the command '{name}' comes with {_owners(sources)}, left out by {by}")
    if len(found) > 1:
        raise ConfigError(clash(name, found))
    return _import(name, found[0])


def clash(name: str, sources: Sequence[Source]) -> str:
    """What is to be said of a command that several distributions have."""
    return f"the command '{name}' is provided by {_owners(sources)}; uninstall one, or name it in {DISABLE}"


def resolve(reference: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def _owners(sources: Sequence[Source]) -> str:
    return " and ".join(source.by.source for source in sources if source.by)


def _import(name: str, source: Source) -> Any:
    """Whatever goes wrong in a plugin's module, its exit included, is the plugin's failure."""
    from hilt_hooks import HiltError

    try:
        return _app(resolve(source.reference), source.reference)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        by = source.by.source if source.by else "hilt"
        text = f"the command '{name}' of {by} cannot be loaded: {type(error).__name__}: {error}"
        raise HiltError(text) from error


def _app(found: Any, reference: str) -> Any:
    import typer
    from typer.main import get_command

    if not isinstance(found, typer.Typer):
        raise TypeError(f"{reference} is {found!r:.60}, not a typer app")
    get_command(found)  # where a command with a wrong signature raises
    return found
