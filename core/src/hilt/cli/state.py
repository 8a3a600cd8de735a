"""What the global options say, and the registry that they give."""

import sys
import traceback
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from hilt.kernel import PluginRow, Registry

VERBOSE = "--verbose"
NO_PLUGINS = "--no-plugins"


class Globals(NamedTuple):
    """The options before the name of the command. Those after it count as well, where the command takes flags as they come."""

    verbose: bool = False
    plugins: bool = True


def globals_of(context: typer.Context) -> Globals:
    found = context.find_object(Globals)
    return found if found is not None else Globals()


def registry_of(context: typer.Context, options: Globals | None = None) -> "Registry":
    """All plugins, as the global options say. Each broken one is a line on stderr, with --verbose a traceback."""
    from hilt.kernel import Registry

    options = options or globals_of(context)
    registry = Registry.discover(enabled=options.plugins)
    for row in registry.broken():
        say(broken_line(row))
        if options.verbose and row.error is not None:
            sys.stderr.write("".join(traceback.format_exception(row.error)))
    return registry


def broken_line(row: "PluginRow") -> str:
    return f"plugin {row.name} ({row.source}) is broken: {row.reason}; fix: {row.fix}"


def say(line: str) -> None:
    """One line for the person at the terminal; stdout is for results."""
    sys.stderr.write(f"hilt: {line}\n")
