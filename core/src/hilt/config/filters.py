"""The safety filters without which a station does not move."""

from collections.abc import Iterator, Sequence
from typing import NewType

from hilt.config.problems import nearest
from hilt.kernel import Registry, State
from hilt_hooks import PluginMissing

FilterName = NewType("FilterName", str)
"""The name of a plugin that has a safety filter, as `hilt plugins` shows it."""

_KIND = "filter "


def filter_names(registry: Registry) -> list[str]:
    """The loaded plugins that have one."""
    return [each.removeprefix(_KIND) for row in registry.rows() for each in row.provides if each.startswith(_KIND)]


def check_filter(name: str, registry: Registry) -> None:
    """Raises PluginMissing, with why and what to do, unless the plugin is loaded and has a safety filter."""
    if name not in filter_names(registry):
        raise PluginMissing(f"the arm does not move without the filter of '{name}': {_why_not(name, registry)}")


def doubts(named: Sequence[str], registry: Registry) -> Iterator[str]:
    """What the operator has to know where no filter is named, and plugins that could not be loaded may have one."""
    if not named and (broken := registry.broken()):
        yield (
            f"broken plugins: {', '.join(row.name for row in broken)}; if one has a safety filter, the arm moves without it, "
            "unless `filters` in the station (or --filters=[NAME]) names it"
        )


def _why_not(name: str, registry: Registry) -> str:
    rows, there = registry.rows(), filter_names(registry)
    installed = f"installed filters: {', '.join(there) or 'none'}"
    row = next((each for each in rows if each.name == name), None)
    if row is None:
        unknown = [each.name for each in rows if each.state in (State.FAILED, State.DISABLED)]
        return f"no such plugin is installed{nearest(name, [*there, *unknown])}; {installed}"
    if row.state is State.FAILED:
        return f"it is broken ({row.reason}); fix: {row.fix}"
    if row.state is State.DISABLED:
        return f"it is left out by {row.reason}; start without that"
    return f"{row.source} has none; {installed}"
