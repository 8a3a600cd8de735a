"""`hilt`: the group of all commands, the global options, and what a failure looks like."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from hilt.cli import commands
from hilt.cli.state import NO_PLUGINS, VERBOSE, Globals, apart, globals_of, say
from hilt.installed import unknown_disabled


class LazyGroup(TyperGroup):
    """Lists commands from their summaries, and imports the one that is run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in commands.listed().items()}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(commands.listed(globals_of(ctx).plugins))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = commands.load(cmd_name, globals_of(ctx).plugins)
        return get_command(found) if isinstance(found, typer.Typer) else found

    def invoke(self, ctx: Any) -> Any:
        """What was interrupted is said here: typer makes a bare exit code of it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            for note in getattr(interrupt, "__notes__", ()):
                say(f"interrupted: {note}")
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=formatter.width - 20)) for name, command in found]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option(VERBOSE, help="Show tracebacks")] = False,  # these two are listed here,
    no_plugins: Annotated[bool, typer.Option(NO_PLUGINS, help="Load no plugins")] = False,  # and taken by `apart`
    version: Annotated[bool, typer.Option("--version", help="Show the version")] = False,
) -> None:
    """hilt: the human-in-the-loop toolkit for robot learning."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"hilt {installed('hilt')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code.

    0: done. 2: something in the command line, the configuration, the installation or the wiring has to be changed
    first. 1: it failed while running. 130: interrupted.
    """
    arguments, options = apart(sys.argv[1:] if argv is None else argv)
    try:
        _tell_unknown_names(options)
        returned = get_command(app)(arguments, prog_name="hilt", standalone_mode=False, obj=options)
    except typer.TyperException as error:
        say(error.format_message())
        say("hilt --help lists the commands, hilt COMMAND --help the fields of one")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        from hilt.cli.failures import explain

        return explain(error, verbose=options.verbose)
    return returned if isinstance(returned, int) else 0


def _tell_unknown_names(options: Globals) -> None:
    if options.help:
        return
    for line in unknown_disabled():
        say(line)
