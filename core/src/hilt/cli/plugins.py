"""`hilt plugins`: what is installed, what it provides, what is wrong with it."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated

import typer
from attrs import evolve
from rich.console import Console
from rich.text import Text

from hilt.cli import commands
from hilt.cli.details import describe
from hilt.cli.layout import columns, labelled, width_of
from hilt.cli.state import VERBOSE, globals_of
from hilt.cli.traces import plugin_traceback
from hilt.installed import DISABLE, normalised
from hilt.kernel import PluginRow, Registry, State
from hilt_hooks import ConfigError

COLOURS = {State.OK: "green", State.NEEDS: "yellow", State.CLASH: "red", State.FAILED: "red", State.DISABLED: "dim"}
CLOSING = "hilt plugins NAME shows one in detail, hilt plugins -v all of them"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("plugins")
def plugins(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these, in detail: plugins, distributions, types, commands"),
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", VERBOSE, help="Also show fields, capabilities, limits and tracebacks")] = False,
) -> None:
    """List what is installed, and what is wrong with it."""
    options = globals_of(context)
    registry = Registry.discover(enabled=options.plugins)
    rows = with_commands(registry.rows(), options.plugins)
    shown = _chosen(rows, registry, names) if names else rows
    console = Console(soft_wrap=True, highlight=False)
    detailed = verbose or options.verbose or bool(names)
    console.print(table(shown, width_of(console)))
    for row in filter(_is_troubled, shown):
        _show_trouble(console, row)
        if detailed:
            _show_evidence(console, row)
    if detailed:
        for row in shown:
            for descriptor in registry.provided_by(row):
                if not names or _is_called(row, names) or {descriptor.name, *descriptor.aliases} & set(names):
                    console.print(describe(descriptor, row, registry, width_of(console)))
    else:
        console.print(f"\n{_counted(rows)}\n{CLOSING}", style="dim")


def with_commands(rows: list[PluginRow], plugins: bool) -> list[PluginRow]:
    """The rows with the commands of their distributions; those that have nothing but commands get rows of their own."""
    by_distribution: dict[str, PluginRow] = {row.distribution: row for row in reversed(rows)}
    for name, sources in commands.installed().items():
        for source in sources:
            if source.by is None:
                continue
            row = by_distribution.get(source.by.name, PluginRow(source.by.name, source.by.name, source.by.version))
            if source.off or not plugins:
                by = DISABLE if plugins else "--no-plugins"
                by_distribution[source.by.name] = evolve(row, state=State.DISABLED, reason=by)
                continue
            row = evolve(row, provides=(*row.provides, f"command {name}"))
            by_distribution[source.by.name] = _with_clash(row, name, sources)
    others = [row for row in rows if by_distribution[row.distribution].name != row.name]
    return sorted([*by_distribution.values(), *others], key=lambda row: (row.name, row.distribution))


def _with_clash(row: PluginRow, name: str, sources: Sequence[commands.Source]) -> PluginRow:
    active = [source for source in sources if not source.off]
    if name in commands.own():
        reason = f"the command '{name}' is hilt's own; this one cannot be run"
    elif len(active) > 1:
        reason = commands.clash(name, active)
    else:
        return row
    if row.state is State.FAILED:
        return row
    if not row.reason:
        return evolve(row, state=State.CLASH, reason=reason)
    return evolve(row, state=State.CLASH, notes=(*row.notes, reason))


def table(rows: Sequence[PluginRow], width: int) -> Text:
    """A line for each plugin, longer lists of what it provides on several, within `width` columns."""
    names = [row.name if _is_named_after(row) else f"{row.name} ({row.distribution})" for row in rows]
    cells = [
        (Text(name), Text(row.version), Text(row.state.value, COLOURS[row.state]), Text("\n".join(_provided(row))))
        for name, row in zip(names, rows, strict=True)
    ]
    return columns(("plugin", "version", "state", "provides"), cells, width)


def _is_named_after(row: PluginRow) -> bool:
    return normalised(row.distribution) in (normalised(row.name), f"hilt-{normalised(row.name)}")


def _provided(row: PluginRow) -> Iterator[str]:
    if row.state is State.DISABLED:
        yield f"(left out by {row.reason})"
    by_kind: dict[str, list[str]] = {}
    for each in row.provides:
        kind, _, name = each.partition(" ")
        by_kind.setdefault(kind, []).append(name)
    yield from (f"{kind} {', '.join(names)}" for kind, names in by_kind.items())


def _is_troubled(row: PluginRow) -> bool:
    return row.state is not State.DISABLED and bool(row.reason or row.notes)


def _show_trouble(console: Console, row: PluginRow) -> None:
    """What is wrong with a plugin, and what to do. A command to copy is never broken over lines."""
    colour = "yellow" if row.state is State.OK else COLOURS[row.state]
    console.print(Text(f"\n{row.name} ({row.source})", style=colour))
    for text in filter(None, (row.reason, *row.notes)):
        console.print(labelled("", text, width_of(console)))
    if row.fix:
        console.print(f"  fix: {row.fix}", markup=False)
    if row.state is State.FAILED:
        console.print(f"  or leave it out: {DISABLE}={row.name}", markup=False)


def _show_evidence(console: Console, row: PluginRow) -> None:
    if row.printed:
        console.print(Text(f"  it printed:\n{_printable(row.printed)}", style="dim"))
    if row.error is not None:
        console.print(Text(plugin_traceback(row.error).rstrip(), style="dim"))


def _printable(text: str) -> str:
    """Without what would do something to a terminal."""
    return "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in text.rstrip().splitlines())


def _counted(rows: Sequence[PluginRow]) -> str:
    counts = [f"{count} {state.value}" for state in State if (count := sum(row.state is state for row in rows))]
    return f"{len(rows)} plugins: {', '.join(counts)}"


def _is_called(row: PluginRow, names: Sequence[str]) -> bool:
    return row.name in names or row.distribution in names


def _chosen(rows: Sequence[PluginRow], registry: Registry, names: Sequence[str]) -> list[PluginRow]:
    """Raises ConfigError if a name is nobody's."""
    owned = {id(row): {row.name, row.distribution, *_things(row, registry)} for row in rows}
    known = set[str]().union(*owned.values())
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "; hilt plugins lists them"
            raise ConfigError(f"nothing installed is called '{name}'{hint}")
    return [row for row in rows if owned[id(row)] & set(names)]


def _things(row: PluginRow, registry: Registry) -> Iterator[str]:
    yield from (each.partition(" ")[2] for each in row.provides)
    for descriptor in registry.provided_by(row):
        yield from descriptor.aliases
