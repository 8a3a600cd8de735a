"""Commands that are a configuration class and a function: flags, files, help and dry run come with them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from hilt.cli.commands import resolve
from hilt.cli.state import HELP, registry_of, say

if TYPE_CHECKING:
    from hilt.config import Reading
    from hilt.kernel import Registry

DRY_RUN = "--dry-run"


class ConfigApp(typer.Typer):
    """The typer app of such a command. What its strings name is imported when the command is run.

    A command whose fields depend on what is given may override `read` and `help`.
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
        argv, is_help, is_dry_run = _split(context.args)
        registry = registry_of(context)
        if is_help:
            typer.echo(self.help(argv, registry))
            return 0
        config = self.parse(argv, registry)
        if is_dry_run:
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
        return self.read(argv, registry, lambda line: say(f"note: {line}")).config

    def read(self, argv: list[str], registry: "Registry", note: Callable[[str], None]) -> "Reading[Any]":
        """The configuration that a command line gives, and where its values come from. note: is told what has no effect."""
        from hilt.config import read

        return read(self.config, argv, registry, note)

    def _dry_run(self, config: Any, registry: "Registry") -> None:
        plan = resolve(self.check)(config, registry) if self.check else None
        if not isinstance(plan, str):
            from hilt.config import dump, write

            plan = write(dump(config))
        typer.echo(plan, nl=False)
        say("dry run: valid, as far as can be told without asking a device; nothing was touched")


def config_command(name: str, config: type[Any] | str, run: str, *, summary: str = "", check: str = "") -> ConfigApp:
    """A command that takes `config`, an attrs class made with `hilt_hooks.option`, or "module:Class".

    run: "module:function", called with (config, registry, console: rich.console.Console); an int that it returns is
    the exit code. check: "module:function", called with (config, registry) by --dry-run; raises what is wrong, touches
    nothing; text that it returns is shown instead of the configuration. For a plugin's command:
    `app = config_command(...)`, and in its pyproject.toml `[project.entry-points."hilt.commands"]` `<name> = "module:app"`.
    """
    return ConfigApp(name, config, run, summary, check)


def _split(arguments: list[str]) -> tuple[list[str], bool, bool]:
    """The fields among the arguments; whether help, and whether a dry run is asked for."""
    fields = [word for word in arguments if word not in (*HELP, DRY_RUN)]
    return fields, any(word in arguments for word in HELP), DRY_RUN in arguments
