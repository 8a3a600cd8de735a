"""What the user sees of an error, and the exit code."""

import sys
import traceback

from hilt.cli.state import NO_PLUGINS, VERBOSE, say
from hilt_hooks import CapabilityMissing, ConfigError, ConnectError, DriverMissing, HiltError, PluginMissing

BEFORE_RUNNING = 2
WHILE_RUNNING = 1
FOUND_BEFORE = (ConfigError, PluginMissing, DriverMissing, CapabilityMissing, ConnectError)
"""Errors that are found before anything moves. All others come up while running."""


def explain(error: Exception, *, verbose: bool) -> int:
    """Write an error to stderr, with its traceback if `verbose`. Returns the exit code."""
    if verbose:
        sys.stderr.write("".join(traceback.format_exception(error)))
    if not isinstance(error, HiltError):
        say(f"unexpected {type(error).__name__}: {error}")
        say(f"{VERBOSE} shows where; {NO_PLUGINS}, or HILT_DISABLE=name, shows whether a plugin is the cause")
        return WHILE_RUNNING
    first, *rest = _lines(error)
    say(first)
    sys.stderr.writelines(f"  {line}\n" for line in rest)
    return BEFORE_RUNNING if isinstance(error, FOUND_BEFORE) else WHILE_RUNNING


def _lines(error: HiltError) -> list[str]:
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        return [f"the configuration has {len(error.problems)} problems:", *error.problems]
    return str(error).splitlines() or [type(error).__name__]
