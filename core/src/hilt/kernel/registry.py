"""The registry: every installed plugin, what it provides, and why it does not work where it does not."""

import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from io import StringIO
from typing import TypeVar, overload

import pluggy
from attrs import evolve

from hilt.installed import DISABLE, disabled, normalised
from hilt.kernel import calls
from hilt.kernel.checks import KINDS, before_import, descriptors, implementations
from hilt.kernel.discovery import Entry, entries
from hilt.kernel.rows import PluginRow, State, failed, loaded, row_of, with_needs
from hilt_hooks import PROJECT, ConfigError, Descriptor, Hooks, Lifecycle, PluginMissing

D = TypeVar("D", bound=Descriptor)


class Registry:
    """What plugins provide. `Registry.discover()` loads all that are installed, each on its own."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._rows: list[PluginRow] = []
        self._provided: list[tuple[Descriptor, PluginRow]] = []

    @classmethod
    def discover(cls, *, enabled: bool = True, path: Sequence[str] | None = None) -> "Registry":
        """Load the plugins on `path` (default: all that are installed). enabled=False lists them only."""
        registry = cls()
        skip = disabled()
        for entry in entries(path):
            if not enabled:
                registry._rows.append(row_of(entry, State.DISABLED, "--no-plugins"))
            elif skip & {normalised(entry.name), normalised(entry.distribution)}:
                registry._rows.append(row_of(entry, State.DISABLED, DISABLE))
            else:
                registry._load(entry)
        return registry

    @classmethod
    def of(cls, *provided: Descriptor) -> "Registry":
        """A registry of just these descriptors."""
        registry = cls()
        registry._add(PluginRow("given", "", ""), list(provided))
        return registry

    @overload
    def find(self, kind: type[D], name: str) -> D: ...
    @overload
    def find(self, kind: str, name: str) -> Descriptor: ...
    def find(self, kind: str | type[Descriptor], name: str) -> Descriptor:
        """The descriptor of this kind (`"robot"` or RobotDescriptor) with this name or alias.

        Raises PluginMissing with what comes nearest, and ConfigError if two plugins claim the name.
        """
        kind = kind if isinstance(kind, str) else kind.kind
        claims = self._claims(kind, name)
        if not claims:
            raise PluginMissing(self._missing(kind, name))
        if len(claims) > 1:
            raise ConfigError(_clash(kind, name, claims))
        return claims[0][0]

    @overload
    def all(self, kind: type[D]) -> tuple[D, ...]: ...
    @overload
    def all(self, kind: str) -> tuple[Descriptor, ...]: ...
    def all(self, kind: str | type[Descriptor]) -> tuple[Descriptor, ...]:
        """The descriptors of a kind, sorted by name."""
        kind = kind if isinstance(kind, str) else kind.kind
        found = [descriptor for descriptor, _ in self._provided if descriptor.kind == kind]
        return tuple(sorted(found, key=lambda descriptor: descriptor.name))

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of a kind, sorted, each once whoever claims it."""
        return tuple(dict.fromkeys(descriptor.name for descriptor in self.all(kind)))

    def has(self, kind: str, name: str) -> bool:
        return len(self._claims(kind, name)) == 1

    def rows(self) -> list[PluginRow]:
        """All plugins that were found, with their state as it is now."""
        return [self._now(row) for row in self._rows]

    def broken(self) -> list[PluginRow]:
        """Those that could not be loaded."""
        return [row for row in self._rows if row.state is State.FAILED]

    def provided_by(self, row: PluginRow) -> tuple[Descriptor, ...]:
        """The descriptors of one row."""
        owner = (row.name, row.distribution)
        return tuple(descriptor for descriptor, by in self._provided if (by.name, by.distribution) == owner)

    def lifecycle(self, report: calls.Report, plugin: str | None = None) -> Lifecycle:
        """The lifecycle hooks of all plugins, or of one follower, to be called as specified. What they raise goes to `report`."""
        return calls.lifecycle(self._manager, report, plugin)

    def followers(self) -> tuple[str, ...]:
        """The plugins that implement a lifecycle hook."""
        return calls.followers(self._manager)

    def filters(self) -> tuple[calls.Filter, ...]:
        """The safety filters of all plugins, in calling order."""
        return calls.filters(self._manager)

    def _load(self, entry: Entry) -> None:
        printed, began_s = StringIO(), time.perf_counter()
        row, provided = row_of(entry), list[Descriptor]()
        try:
            before_import(entry)
            with redirect_stdout(printed):
                plugin = entry.point.load()
                found = implementations(plugin, self._manager)
                provided = list(descriptors(found))
                if "hilt_filter_action" in found:
                    row = evolve(row, provides=(f"filter {entry.name}",))
                self._manager.register(plugin, f"{entry.name} ({entry.distribution})")
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(f"plugin {entry.name} was being loaded; {DISABLE}={entry.name} leaves it out")
            raise
        except BaseException as error:
            row, provided = failed(entry, error), []
        self._add(loaded(row, time.perf_counter() - began_s, printed.getvalue()), provided)

    def _add(self, row: PluginRow, provided: list[Descriptor]) -> None:
        row = evolve(row, provides=(*(f"{each.kind} {each.name}" for each in provided), *row.provides))
        self._rows.append(row)
        self._provided += [(descriptor, row) for descriptor in provided]

    def _claims(self, kind: str, name: str) -> list[tuple[Descriptor, PluginRow]]:
        return [claim for claim in self._provided if claim[0].kind == kind and name in (claim[0].name, *claim[0].aliases)]

    def _now(self, row: PluginRow) -> PluginRow:
        provided = self.provided_by(row)
        for descriptor in provided:
            for name in (descriptor.name, *descriptor.aliases):
                claims = self._claims(descriptor.kind, name)
                if len(claims) > 1:
                    return evolve(row, state=State.CLASH, reason=_clash(descriptor.kind, name, claims), fix="")
        return with_needs(row, list(provided))

    def _missing(self, kind: str, name: str) -> str:
        installed = self.all(kind)
        names = [each for descriptor in installed for each in (descriptor.name, *descriptor.aliases)]
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        others = [other for other in KINDS if other != kind and self._claims(other, name)]
        parts = [
            f"no installed plugin provides the {kind} '{name}'",
            *(f"did you mean '{each}'?" for each in near),
            *(f"'{name}' is of the kind {other}" for other in others),
            f"installed: {', '.join(self.names(kind)) or 'none'}",
            *(f"{row.source} might have it but is broken ({row.reason}; {row.fix})" for row in self.broken()),
        ]
        if off := [row.name for row in self._rows if row.state is State.DISABLED]:
            parts.append(f"disabled: {', '.join(off)}")
        return "; ".join(parts)


def _clash(kind: str, name: str, claims: list[tuple[Descriptor, PluginRow]]) -> str:
    owners = " and by ".join(f"{row.name} ({row.source})" for _, row in claims)
    return f"{kind} '{name}' is provided by {owners}; uninstall one, or name it in {DISABLE}"
