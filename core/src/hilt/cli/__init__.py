"""The command line. Importing it brings in typer and nothing else: `hilt --help` is fast."""

from hilt.cli.configured import ConfigApp, config_command
from hilt.cli.main import main
from hilt.cli.state import registry_of

__all__ = ["ConfigApp", "config_command", "main", "registry_of"]
