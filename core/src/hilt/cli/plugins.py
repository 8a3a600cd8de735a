"""`hilt plugins`: what is installed, what it provides, what is wrong with it."""

import traceback
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hilt.cli import commands
from hilt.cli.help import flag_with_default
from hilt.cli.state import VERBOSE, globals_of
from hilt.config import describe
from hilt.kernel import PluginRow, Registry, State
from hilt_hooks import Descriptor

COLOURS = {State.OK: "green", State.NEEDS: "yellow", State.CLASH: "red", State.FAILED: "red", State.DISABLED: "dim"}

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("plugins")
def plugins(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("-v", VERBOSE, help="Also show capabilities, fields and tracebacks")] = False,
) -> None:
    """List what is installed, and what is wrong with it."""
    console = Console(soft_wrap=True)
    options = globals_of(context)
    verbose = verbose or options.verbose
    registry = Registry.discover(enabled=options.plugins)
    rows = registry.rows()
    console.print(_table([*rows, *_commands()]))
    for row in rows:
        if row.reason:
            console.print(Text(f"{row.name}: {row.reason}", style=COLOURS[row.state]))
        if row.fix:
            console.print(Text(f"  fix: {row.fix}"))
        if row.error is not None and verbose:
            console.print(Text("".join(traceback.format_exception(row.error)), style="dim"))
    if verbose:
        for row in rows:
            for descriptor in registry.provided_by(row):
                _describe(console, descriptor, registry)


def _table(rows: list[PluginRow]) -> Table:
    table = Table("plugin", "version", "state", "provides", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        name = row.name if row.name == row.distribution else f"{row.name} ({row.distribution})"
        table.add_row(Text(name), row.version, Text(row.state.value, style=COLOURS[row.state]), "\n".join(row.provides))
    return table


def _commands() -> list[PluginRow]:
    """The commands that plugins add, from their metadata. One that clashes with core's is not reachable."""
    rows = []
    for name, sources in commands.installed().items():
        clash = len(sources) > 1 or name in commands.own()
        for source in sources:
            distribution, _, version = source.distribution.rpartition(" ")
            state = State.CLASH if clash else State.OK
            rows.append(PluginRow(name, distribution, version, state, provides=(f"command {name}",)))
    return rows


def _describe(console: Console, descriptor: Descriptor, registry: Registry) -> None:
    console.print()
    console.print(Text(f"{descriptor.kind} {descriptor.name}", style="bold"), Text(descriptor.summary))
    for label, values in (("aliases", descriptor.aliases), ("capabilities", sorted(descriptor.capabilities))):
        if values:
            console.print(Text(f"  {label}: {', '.join(values)}"))
    for row in describe(descriptor.config, registry):
        console.print(Text(f"  {'*' if row.required else ' '} {flag_with_default(row)}  {row.option.help}"))
