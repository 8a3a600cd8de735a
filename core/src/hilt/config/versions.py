"""The format of configuration files: which one a file has, and how an older one is read."""

from collections.abc import Callable, Mapping
from typing import Any

from hilt_hooks import ConfigError

VERSION = 1
"""The format that is written. A file without `version` is of format 1."""

KEY = "version"

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""The data of a file, from one format to the next."""

MIGRATIONS: Mapping[int, Migration] = {}
"""Format -> how its files become files of the next one. There is one for each format but the newest."""


def current(data: Mapping[str, Any], where: str) -> tuple[dict[str, Any], int]:
    """The data in the format VERSION, without `version`, and the format that it had.

    where: `file:line`, for messages. Raises ConfigError for a format that is newer, or none.
    """
    rest = dict(data)
    version = rest.pop(KEY, 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ConfigError(f"{where}: {KEY}: expected a whole number from 1 to {VERSION}, got {version!r}")
    if version > VERSION:
        raise ConfigError(f"{where}: {KEY}: the file has format {version}, this hilt reads up to {VERSION}; pip install -U hilt")
    for step in range(version, VERSION):
        rest = MIGRATIONS[step](rest)
    return rest, version
