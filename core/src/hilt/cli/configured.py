"""Commands that are a configuration class and a function: flags, files, help and dry run come with them."""

from typing import TYPE_CHECKING, Any

import typer

from hilt.cli.commands import resolve
from hilt.cli.state import NO_PLUGINS, VERBOSE, Globals, globals_of, registry_of, say

if TYPE_CHECKING:
    from hilt.kernel import Registry

HELP = ("--help", "-h")
DRY_RUN = "--dry-run"


class ConfigApp(typer.Typer):
    """The typer app of such a command. What its strings name is imported when the command is run.

    A command whose fields depend on what is given may override `parse` and `help`.
    """

    def __init__(self, name: str, config: type[Any] | str, run: str, summary: str, check: str = "") -> None:
        super().__init__(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
        self.name = name
        self.run = run
        self.summary = summary
        self.check = check
        self._config = config
        settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
        self.command(name, help=summary, context_settings=settings)(self._invoke)

    @property
    def config(self) -> type[Any]:
        """The configuration class."""
        found: type[Any] = resolve(self._config) if isinstance(self._config, str) else self._config
        return found

    def _invoke(self, context: typer.Context) -> int:
        argv, options, switches = _split(context.args, globals_of(context))
        registry = registry_of(context, options)
        if "help" in switches:
            typer.echo(self.help(argv, registry))
            return 0
        config = self.parse(argv, registry)
        if "dry run" in switches:
            self._dry_run(config, registry)
            return 0
        from rich.console import Console

        returned = resolve(self.run)(config, registry, Console())
        return returned if isinstance(returned, int) else 0

    def help(self, argv: list[str], registry: "Registry") -> str:
        """The help text, with the fields of the devices that a command line names."""
        from hilt.cli.help import render

        return render(self.name, self.summary, self.config, argv, registry)

    def parse(self, argv: list[str], registry: "Registry") -> Any:
        """The configuration that a command line gives. What it accepts without effect is said on stderr."""
        from hilt.config import parse

        return parse(self.config, argv, registry, lambda line: say(f"note: {line}"))

    def _dry_run(self, config: Any, registry: "Registry") -> None:
        from hilt.config import dump, write

        typer.echo(write(dump(config)), nl=False)
        if self.check:
            resolve(self.check)(config, registry)
        say("dry run: valid, as far as can be told without asking a device; nothing was touched")


def config_command(name: str, config: type[Any] | str, run: str, *, summary: str = "", check: str = "") -> ConfigApp:
    """A command that takes `config`, an attrs class made with `hilt_hooks.option`, or "module:Class".

    run: "module:function", called with (config, registry, console: rich.console.Console); an int that it returns is
    the exit code. check: "module:function", called with (config, registry) by --dry-run; raises what is wrong, touches
    nothing. For a plugin's command: `app = config_command(...)`, and in its pyproject.toml
    `[project.entry-points."hilt.commands"]` `<name> = "module:app"`.
    """
    return ConfigApp(name, config, run, summary, check)


def _split(arguments: list[str], options: Globals) -> tuple[list[str], Globals, set[str]]:
    """The fields among the arguments, and apart from them the switches that are no fields."""
    switches = {HELP[0]: "help", HELP[1]: "help", DRY_RUN: "dry run", VERBOSE: "verbose", NO_PLUGINS: "no plugins"}
    given = {switches[word] for word in arguments if word in switches}
    merged = Globals(options.verbose or "verbose" in given, options.plugins and "no plugins" not in given)
    return [word for word in arguments if word not in switches], merged, given
