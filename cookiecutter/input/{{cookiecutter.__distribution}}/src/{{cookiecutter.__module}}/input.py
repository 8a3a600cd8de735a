"""Lines of text as presses and releases: `press red`, `release red`."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from hilt_hooks import Bindings, ConnectError, DeviceLost, Edge, InputEvent
from {{ cookiecutter.__module }}.config import BINDINGS, {{ cookiecutter.__class }}Config

log = logging.getLogger(__name__)

_DEVICE = "{{ cookiecutter.__type }}"
_EDGES = {edge.value: edge for edge in Edge}


class {{ cookiecutter.__class }}Input:
    reports_releases = True

    def __init__(self, config: {{ cookiecutter.__class }}Config) -> None:
        self._path = config.path
        self._bindings: Bindings = {name: event for name, event in {**BINDINGS, **config.bindings}.items() if event}
        self._file: int | None = None
        self._rest = b""

    @property
    def bindings(self) -> Bindings:
        return self._bindings

    def connect(self) -> None:
        self.disconnect()
        try:
            self._file, self._rest = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), b""
        except OSError as error:
            raise ConnectError(f"{_DEVICE}: {self._path}: {error.strerror}; connect it, or: mkfifo {self._path}") from error
        _forget(self._file)

    def disconnect(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def fileno(self) -> int | None:
        return self._file

    def read(self) -> Sequence[InputEvent]:
        """Raises DeviceLost also when nobody writes into the FIFO: buttons that cannot be pressed cannot stop an arm."""
        now = time.monotonic_ns()
        *lines, self._rest = (self._rest + self._bytes()).split(b"\n")
        return [InputEvent(_DEVICE, control, edge, now) for control, edge in _events(lines)]

    def _bytes(self) -> bytes:
        if self._file is None:
            raise DeviceLost(f"{_DEVICE}: not connected; call connect() first")
        try:
            data = os.read(self._file, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(f"{_DEVICE}: {self._path}: {error.strerror}") from error
        if not data:
            raise DeviceLost(f"{_DEVICE}: nobody writes into {self._path}")
        return data


def _forget(file: int) -> None:
    """What was pressed before counts for nothing: a `start` from then must not move an arm."""
    with suppress(BlockingIOError):
        while os.read(file, 4096):
            pass


def _events(lines: list[bytes]) -> Iterator[tuple[str, Edge]]:
    """A line that is none of ours is logged and left out."""
    for line in lines:
        match line.decode("utf-8", "replace").split():
            case [word, control] if word in _EDGES:
                yield control, _EDGES[word]
            case _:
                log.warning("%s: not understood: %r", _DEVICE, line)
