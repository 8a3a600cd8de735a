"""Commands that are a configuration class and a function: flags, files, help and dry run come with them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from hilt.cli.state import NO_PLUGINS, VERBOSE, Globals, globals_of, registry_of, say

if TYPE_CHECKING:
    from hilt.kernel import Registry

HELP = ("--help", "-h")
DRY_RUN = "--dry-run"


class ConfigApp(typer.Typer):
    """The typer app of such a command. `config` and `run` are imported when the command is run."""

    def __init__(self, name: str, config: type[Any] | str, run: str, summary: str) -> None:
        super().__init__(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
        self.name = name
        self.run = run
        self.summary = summary
        self._config = config
        settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
        self.command(name, help=summary, context_settings=settings)(self._invoke)

    @property
    def config(self) -> type[Any]:
        """The configuration class."""
        found: type[Any] = imported(self._config) if isinstance(self._config, str) else self._config
        return found

    def _invoke(self, context: typer.Context) -> int:
        argv, options, switches = _split(context.args, globals_of(context))
        registry = registry_of(context, options)
        if "help" in switches:
            from hilt.cli.help import render

            typer.echo(render(self.name, self.summary, self.config, argv, registry))
            return 0
        config = self.parse(argv, registry)
        if "dry run" in switches:
            from hilt.config import dump, write

            typer.echo(write(dump(config)), nl=False)
            say("dry run: the configuration is valid; nothing was touched")
            return 0
        from rich.console import Console

        returned = imported(self.run)(config, registry, Console())
        return returned if isinstance(returned, int) else 0

    def parse(self, argv: list[str], registry: "Registry") -> Any:
        """The configuration that a command line gives. What it accepts without effect is said on stderr."""
        from hilt.config import parse

        return parse(self.config, argv, registry, lambda line: say(f"note: {line}"))


def config_command(name: str, config: type[Any] | str, run: str, *, summary: str = "") -> ConfigApp:
    """A command that takes `config`, an attrs class made with `hilt_hooks.option`, or "module:Class".

    run: "module:function", called with (config, registry, console: rich.console.Console); an int that it returns is
    the exit code. For a plugin's command: `app = config_command(...)`, and in its pyproject.toml
    `[project.entry-points."hilt.commands"]` `<name> = "module:app"`.
    """
    return ConfigApp(name, config, run, summary)


def imported(reference: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def _split(arguments: list[str], options: Globals) -> tuple[list[str], Globals, set[str]]:
    """The fields among the arguments, and apart from them the switches that are no fields."""
    switches = {HELP[0]: "help", HELP[1]: "help", DRY_RUN: "dry run", VERBOSE: "verbose", NO_PLUGINS: "no plugins"}
    given = {switches[word] for word in arguments if word in switches}
    merged = Globals(options.verbose or "verbose" in given, options.plugins and "no plugins" not in given)
    return [word for word in arguments if word not in switches], merged, given
