"""Errors, named by what the user can do next.

HiltError
├── ConfigError         change a value; lists every problem at once
├── PluginMissing       choose another type, or install the plugin that has it
├── DriverMissing       install a package; the message holds the line to run
├── CapabilityMissing   choose a device that can do what the command needs
├── ConnectError        plug in, power on, close the other program; a tree of causes
├── DeviceLost          the device went away while in use; it may come back
└── SafetyStop          the arm holds; look before you go on
"""

from collections.abc import Iterable, Sequence


class HiltError(Exception):
    """Root of every error that is meant for the user. `str(error)` is the whole message."""


class ConfigError(HiltError):
    """Wrong configuration. `problems` holds one line for each wrong value."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class PluginMissing(HiltError):
    """No installed plugin provides the named type."""


class DriverMissing(HiltError):
    """A plugin is installed, but a package that it needs is not."""

    def __init__(self, what: str, requires: Sequence[str]) -> None:
        super().__init__(f"{what} needs {', '.join(requires)}; run: pip install {' '.join(requires)}")


class CapabilityMissing(HiltError):
    """A device cannot do what the command asks of it."""


class ConnectError(HiltError):
    """A device, or several devices of a rig, could not be opened.

    `causes` are the failures below this one; the message prints them as a tree.
    """

    def __init__(self, message: str, causes: Iterable[Exception] = ()) -> None:
        self.message = message
        self.causes = tuple(causes)
        super().__init__("\n".join([message, *(_indent(str(cause)) for cause in self.causes)]))


class DeviceLost(HiltError):
    """A device that was connected no longer answers."""


class SafetyStop(HiltError):
    """Something would have been unsafe; the arm holds."""


def _indent(text: str) -> str:
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"- {first}", *(f"  {line}" for line in rest)])
