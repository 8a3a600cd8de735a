"""`hilt config`: the configuration of a command, shown, described or checked without running it."""

import json
from typing import Annotated

import typer

from hilt.cli import commands
from hilt.cli.configured import ConfigApp
from hilt.cli.state import globals_of, registry_of
from hilt.config import dump, json_schema, write
from hilt_hooks import ConfigError

FLAGS = {"ignore_unknown_options": True, "allow_extra_args": True}
Command = Annotated[str, typer.Argument(metavar="COMMAND", help="A command with a configuration, as collect")]

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="Show or check the configuration of a command.")


@app.command(context_settings=FLAGS)
def show(context: typer.Context, command: Command) -> None:
    """Print the configuration that files and flags give, defaults included, as YAML."""
    found = _app(context, command)
    typer.echo(write(dump(found.parse(context.args, registry_of(context)))), nl=False)


@app.command(context_settings=FLAGS)
def check(context: typer.Context, command: Command) -> None:
    """Say everything that is wrong with the configuration that files and flags give."""
    _app(context, command).parse(context.args, registry_of(context))
    typer.echo(f"the configuration of {command} is valid")


@app.command()
def schema(context: typer.Context, command: Command) -> None:
    """Print the JSON schema of a command's configuration, with every installed device type."""
    found = _app(context, command)
    typer.echo(json.dumps(json_schema(found.config, registry_of(context)), indent=2))


def _app(context: typer.Context, name: str) -> ConfigApp:
    found = commands.load(name, globals_of(context).plugins)
    if not isinstance(found, ConfigApp):
        raise ConfigError(f"'{name}' is not a command with a configuration; hilt --help lists the commands")
    return found
