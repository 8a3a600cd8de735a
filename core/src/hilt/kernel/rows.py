"""What `hilt plugins` shows of a plugin, broken ones included."""

from enum import StrEnum

from attrs import evolve, field, frozen

from hilt.kernel.discovery import Entry, unmet
from hilt_hooks import Descriptor

SLOW_S = 0.5
"""A plugin that takes longer to load delays every command."""


class State(StrEnum):
    """NEEDS: usable once a driver's package is installed. CLASH: a name of it is claimed by another plugin, too."""

    OK = "ok"
    NEEDS = "needs"
    CLASH = "clash"
    FAILED = "failed"
    DISABLED = "disabled"


@frozen
class PluginRow:
    """One plugin. provides: `kind name`, for each descriptor and a safety filter. reason, fix: "" where all is well.

    error: what it raised while it was loaded, for a traceback. notes: what its author should know. printed: what it
    printed meanwhile. made_for: what its distribution requires of hilt and hilt-hooks.
    """

    name: str
    distribution: str
    version: str
    state: State = State.OK
    reason: str = ""
    fix: str = ""
    provides: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    printed: str = ""
    made_for: str = ""
    error: BaseException | None = field(default=None, eq=False, repr=False)

    @property
    def source(self) -> str:
        """Where it comes from, as messages name it: `hilt-robot-so 0.1.0`."""
        return f"{self.distribution} {self.version}".strip()


class PluginBroken(Exception):
    """A plugin does not keep to the contracts. `fix` is what its user can do."""

    def __init__(self, reason: str, fix: str) -> None:
        self.fix = fix
        super().__init__(reason)


def row_of(entry: Entry, state: State = State.OK, reason: str = "") -> PluginRow:
    made_for = ", ".join(entry.made_for)
    return PluginRow(entry.name, entry.distribution, entry.version, state, reason, made_for=made_for)


def loaded(row: PluginRow, seconds: float, printed: str) -> PluginRow:
    """The row, with what was seen while it was loaded."""
    notes = []
    if seconds > SLOW_S:
        notes.append(f"took {seconds:.1f} s to load; its module should import attrs, numpy and hilt_hooks only")
    if printed:
        notes.append("printed something while it was loaded")
    return evolve(row, notes=tuple(notes), printed=printed)


def failed(entry: Entry, error: BaseException) -> PluginRow:
    """The row of a plugin that could not be loaded, with the command that most likely repairs it."""
    ours = isinstance(error, PluginBroken)
    reason = str(error) if ours else f"{type(error).__name__}: {error}"
    row = row_of(entry, State.FAILED, " ".join(reason.split()))
    return evolve(row, fix=_fix(entry, error), error=None if ours else error)


def with_needs(row: PluginRow, descriptors: list[Descriptor]) -> PluginRow:
    """The row, with what its descriptors say they need and what is not installed."""
    missing = sorted({name for descriptor in descriptors for name in unmet(descriptor.requires)})
    if row.state is not State.OK or not missing:
        return row
    return evolve(row, state=State.NEEDS, reason=f"{', '.join(missing)} not installed", fix=f"pip install {' '.join(missing)}")


def _fix(entry: Entry, error: BaseException) -> str:
    if isinstance(error, PluginBroken):
        return error.fix
    if missing := unmet(entry.requires):
        return f"pip install {' '.join(missing)}"
    if isinstance(error, ModuleNotFoundError) and error.name and error.name != entry.point.module:
        return f"pip install the package that has the module {error.name.partition('.')[0]}"
    return f"pip install -U {entry.distribution}, or tell its author"
