"""The keyboard as an `Input`."""

import difflib
import time
from collections.abc import Sequence

from hilt_hooks import Bindings, ConfigError, DeviceLost, Edge, InputEvent
from hilt_input_keyboard.config import BINDINGS, KeyboardConfig
from hilt_input_keyboard.decoder import KEYS, Decoder
from hilt_input_keyboard.terminal import Terminal, own_terminal

_DEVICE = "keyboard"


class Keyboard:
    """Presses of the keys of one terminal. A held key looks like repeated presses, for a terminal tells no more."""

    reports_releases = False

    def __init__(self, config: KeyboardConfig) -> None:
        """Raises ConfigError for a key that does not exist."""
        _check(config.bindings)
        merged = {**BINDINGS, **config.bindings}
        self._bindings: Bindings = {key: event for key, event in merged.items() if event}
        self._path = config.device_path
        self._terminal: Terminal | None = None
        self._decoder = Decoder()

    @property
    def bindings(self) -> Bindings:
        return self._bindings

    def connect(self) -> None:
        self.disconnect()
        terminal = Terminal(self._path or own_terminal())
        terminal.open()
        self._terminal, self._decoder = terminal, Decoder()

    def disconnect(self) -> None:
        if self._terminal is not None:
            self._terminal.close()

    def fileno(self) -> int | None:
        """None: that an escape byte stands alone shows when nothing follows it, and no descriptor tells of that."""
        return None

    def read(self) -> Sequence[InputEvent]:
        if self._terminal is None:
            raise DeviceLost("keyboard: not connected; call connect() first")
        now = time.monotonic_ns()
        keys = self._decoder.feed(self._terminal.read(), now)
        return [InputEvent(_DEVICE, key, Edge.PRESS, now) for key in keys]


def _check(bindings: Bindings) -> None:
    problems = [f"bindings.{key}: no key has this name; {_nearest(key)}" for key in bindings if key not in KEYS]
    if problems:
        raise ConfigError(problems)


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key.lower(), sorted(KEYS), n=1)
    return f"did you mean {near[0]!r}?" if near else "take a character, or a name such as 'space', 'enter', 'esc', 'left', 'f1'"
