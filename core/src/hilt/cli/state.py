"""What the global options say, and the registry that they give."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import typer

from hilt.installed import DISABLE

if TYPE_CHECKING:
    from hilt.kernel import PluginRow, Registry

VERBOSE = "--verbose"
NO_PLUGINS = "--no-plugins"


HELP = ("--help", "-h")


class Globals(NamedTuple):
    """The options that every command has, wherever on the command line they stand. help: a help text is all that is wanted."""

    verbose: bool = False
    plugins: bool = True
    help: bool = False


def apart(argv: Sequence[str]) -> tuple[list[str], Globals]:
    """The words of a command line without the global options, and what these say. What follows `--` is not looked at."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    words = argv[:end]
    found = Globals(VERBOSE in words, NO_PLUGINS not in words, any(word in words for word in HELP))
    return [*(word for word in words if word not in (VERBOSE, NO_PLUGINS)), *argv[end:]], found


def globals_of(context: typer.Context) -> Globals:
    found = context.find_object(Globals)
    return found if found is not None else Globals()


def registry_of(context: typer.Context) -> "Registry":
    """All plugins, as the global options say. Each broken one is a line on stderr, with --verbose a traceback.

    A help text is not about them; they are not mentioned there.
    """
    from hilt.kernel import Registry

    options = globals_of(context)
    registry = Registry.discover(enabled=options.plugins)
    for row in registry.broken() if not options.help else ():
        say(broken_line(row))
        if options.verbose and row.error is not None:
            from hilt.cli.traces import plugin_traceback

            sys.stderr.write(plugin_traceback(row.error))
    return registry


def broken_line(row: "PluginRow") -> str:
    name = row.source if row.name == row.distribution else f"{row.name} ({row.source})"
    return f"plugin {name} is broken: {row.reason}; fix: {row.fix}; or leave it out: {DISABLE}={row.name}"


def say(line: str) -> None:
    """One line for the person at the terminal; stdout is for results."""
    sys.stderr.write(f"hilt: {line}\n")
