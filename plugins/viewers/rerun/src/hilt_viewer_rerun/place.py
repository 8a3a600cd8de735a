"""Where a session is shown: a window here, a viewer elsewhere, a file."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from hilt_hooks import ConfigError, ConnectError
from hilt_viewer_rerun.config import RerunConfig

PORT = 9876
"""Where a Rerun viewer listens unless it is told otherwise."""

WINDOW_S = 30.0
"""How long a window may take to open."""

_ANSWER_S = 2.0
_POLL_S = 0.05
_URL = re.compile(r"^rerun(?:\+https?)?://(?P<host>\[[^\]]+\]|[^/:\[\]]+)(?::(?P<port>\d+))?/proxy$")


@frozen
class Place:
    """address: (host, port) of a viewer, None for a file. url: how Rerun writes it. window: whether it is opened here."""

    address: tuple[str, int] | None = None
    url: str = ""
    file: Path | None = None
    window: bool = False


def place_of(config: RerunConfig) -> Place:
    """What the configuration asks for. Raises ConfigError if it cannot be; opens nothing."""
    if config.connect is not None and config.save is not None:
        raise ConfigError(
            "viewer.connect, viewer.save: keep one; for both, give two viewers: --viewers='[{type: rerun, ...}, ...]'"
        )
    if config.save is not None:
        return Place(file=_free(config.save))
    if config.connect is not None:
        return Place(_address(config.connect), config.connect)
    if not has_display():
        raise ConfigError(
            "viewer: there is no display here to open Rerun's window on; show it elsewhere with "
            f"--viewer.connect=rerun+http://HOST:{PORT}/proxy while `rerun` runs on HOST, or write it with --viewer.save=FILE.rrd"
        )
    return Place(("127.0.0.1", PORT), f"rerun+http://127.0.0.1:{PORT}/proxy", window=True)


def has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def reach(address: tuple[str, int]) -> None:
    """Raises ConnectError if nobody listens there: Rerun itself would go on trying, and say nothing."""
    try:
        socket.create_connection(address, _ANSWER_S).close()
    except OSError as error:
        host, port = address
        raise ConnectError(
            f"no Rerun viewer answers at {host}:{port} ({error.strerror or error}); start `rerun` there"
        ) from error


def listens(address: tuple[str, int]) -> bool:
    """Whether a viewer is there."""
    try:
        reach(address)
    except ConnectError:
        return False
    return True


def open_window(address: tuple[str, int], command: Sequence[str]) -> "subprocess.Popen[bytes] | None":
    """Start Rerun's window, unless one is open; it stays open when the session is over. Raises ConnectError."""
    if listens(address):
        return None
    window = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until_s = time.monotonic() + WINDOW_S
    while not listens(address):
        if (code := window.poll()) is not None:
            raise ConnectError(f"Rerun's window closed at once (exit {code}); run `{' '.join(command)}` to see why")
        if time.monotonic() > until_s:
            raise ConnectError(f"Rerun's window did not open within {WINDOW_S:g} s")
        time.sleep(_POLL_S)
    return window


def window_command(address: tuple[str, int], memory_limit: str) -> list[str]:
    """Rerun's own way of opening one would listen on all interfaces."""
    host, port = address
    limits = ["--memory-limit", memory_limit, "--server-memory-limit", memory_limit]
    return [sys.executable, "-m", "rerun", "--bind", host, "--port", str(port), "--hide-welcome-screen", *limits]


def _free(file: Path) -> Path:
    if file.exists():
        raise ConfigError(f"viewer.save: {file} is there already; name another file, or remove it")
    if not file.absolute().parent.is_dir():
        raise ConfigError(f"viewer.save: there is no folder {file.absolute().parent}")
    return file


def _address(url: str) -> tuple[str, int]:
    match = _URL.match(url)
    if match is None:
        raise ConfigError(f"viewer.connect: '{url}' is not of the form rerun+http://HOST:{PORT}/proxy")
    return match["host"].strip("[]"), int(match["port"] or PORT)
