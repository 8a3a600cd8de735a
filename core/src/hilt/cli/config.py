"""`hilt config`: configurations shown, described and checked, without running anything."""

import json
from itertools import takewhile
from typing import Annotated

import typer

from hilt.cli import commands
from hilt.cli.checking import STATION, check_file, verdict_lines
from hilt.cli.configured import ConfigApp, config_command
from hilt.cli.state import globals_of, registry_of, say
from hilt.cli.stations import station_lines
from hilt.config import COMMANDS, device_kinds, device_schema, json_schema
from hilt.config import show as shown
from hilt.kernel.checks import KINDS
from hilt_hooks import ConfigError, HiltError

FLAGS = {"ignore_unknown_options": True, "allow_extra_args": True}
SOURCES = "[--station=NAME] [--config=FILE] [--FIELD=VALUE ...]"
WRONG = 2

STATION_APP = config_command(STATION, "hilt.config:Station", "")
"""A station is read as the configuration of a command is."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="Show, describe and check configurations. Runs nothing.")


@app.command(context_settings=FLAGS, options_metavar=f"[COMMAND] [OPTIONS] {SOURCES}")
def show(
    context: typer.Context,
    explain: Annotated[bool, typer.Option("--explain", help="Say above each field what it is for")] = False,
    given: Annotated[bool, typer.Option("--given", help="Only what was given, no defaults and no origins")] = False,
) -> None:
    """Print what a command line comes to.

    As YAML that --config takes, with where each value comes from: default, flag, or file:line. Without a COMMAND it is a
    station, which --station=bench3 takes for every command:

    \b
    hilt config show --given --robot.type=... > stations/bench3.yaml
    """
    found, argv = _subject(context)
    registry = registry_of(context)
    reading = found.read(argv, registry, lambda line: say(f"note: {line}"))
    typer.echo(shown(reading, registry, explain=explain, defaults=not given), nl=False)


@app.command(context_settings=FLAGS, options_metavar=f"FILE... | COMMAND {SOURCES}")
def check(context: typer.Context) -> int:
    """Say what is wrong with files, or a command line.

    All problems at once; of a file also which commands it fits, and what they need besides. Exit code 0 if all is good,
    else 2.
    """
    words = context.args
    if not words:
        raise ConfigError("say what to check: files, or a command and its flags; see hilt config check --help")
    if (found := _configured(context, words[0])) is not None:
        files = list(takewhile(lambda word: not word.startswith("-"), words[1:]))
        found.parse([*(f"--config={file}" for file in files), *words[1 + len(files) :]], registry_of(context))
        typer.echo(f"the configuration of {words[0]} is valid")
        return 0
    if flags := [word for word in words if word.startswith("-")]:
        raise ConfigError(f"{flags[0]}: flags belong to a command: hilt config check COMMAND {flags[0]}")
    return _check_files(context, words)


def _check_files(context: typer.Context, files: list[str]) -> int:
    registry, candidates = registry_of(context), {STATION: STATION_APP, **_all_configured(context)}
    verdicts = [check_file(file, candidates, registry) for file in files]
    for line in (line for verdict in verdicts for line in verdict_lines(verdict)):
        typer.echo(line)
    return 0 if all(verdict.good for verdict in verdicts) else WRONG


@app.command(context_settings=FLAGS, options_metavar="[COMMAND | --robot.type=TYPE]")
def schema(context: typer.Context) -> None:
    """Print a JSON schema of files, for editors.

    Of a command's files; without a COMMAND, of stations. With --robot.type=TYPE (or --teleop.type, --camera.type, ...) of
    that one device.
    """
    registry = registry_of(context)
    if context.args and context.args[0].startswith("-"):
        field, _, name = context.args[0].removeprefix("--").partition(".type=")
        kinds = {kind: kind for kind in KINDS if registry.all(kind)} | device_kinds(*COMMANDS)
        if not name or len(context.args) > 1 or field not in kinds:
            raise ConfigError(f"{' '.join(context.args)}: write --FIELD.type=TYPE, where FIELD is one of {', '.join(kinds)}")
        found = device_schema(registry.find(kinds[field], name), registry)
    else:
        found = json_schema(_subject(context)[0].config, registry)
    typer.echo(json.dumps(found, indent=2))


@app.command()
def stations(context: typer.Context) -> None:
    """List the stations that --station=NAME finds."""
    for line in station_lines(registry_of(context)):
        typer.echo(line)


def _subject(context: typer.Context) -> tuple[ConfigApp, list[str]]:
    """The command that is named first, and the flags behind it; without one, a station."""
    words = list(context.args)
    if not words or words[0].startswith("-"):
        return STATION_APP, words
    found = _configured(context, words[0])
    if found is None:
        known = ", ".join(_all_configured(context))
        raise ConfigError(f"'{words[0]}' is not a command with a configuration; these are: {known}")
    return found, words[1:]


def _configured(context: typer.Context, name: str) -> ConfigApp | None:
    found = commands.load(name, globals_of(context).plugins)
    return found if isinstance(found, ConfigApp) else None


def _all_configured(context: typer.Context) -> dict[str, ConfigApp]:
    """Every command with a configuration. Of a plugin that cannot be loaded, `hilt plugins` tells."""
    found = {}
    for name in commands.listed(globals_of(context).plugins):
        try:
            each = _configured(context, name)
        except HiltError:
            continue
        if each is not None:
            found[name] = each
    return found
