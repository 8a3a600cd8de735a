"""A foot pedal as an `Input`."""

import difflib
import os
import time
from collections.abc import Mapping, Sequence

from evdev import ecodes

from hilt_hooks import Bindings, ConfigError, DeviceLost, InputEvent
from hilt_input_pedal.config import BINDINGS, PedalConfig
from hilt_input_pedal.events import EVENT, Decoder
from hilt_input_pedal.source import Source, open_source

_DEVICE = "pedal"


class Pedal:
    """Presses and releases of the pedals of one device, under their key codes: `KEY_A`."""

    reports_releases = True

    def __init__(self, config: PedalConfig) -> None:
        """Raises ConfigError for a key code that does not exist."""
        _check(config.bindings)
        merged = {**BINDINGS, **config.bindings}
        self._bindings: Bindings = {code: event for code, event in merged.items() if event}
        self._path = config.device_path
        self._source: Source | None = None
        self._decoder = Decoder()

    @property
    def bindings(self) -> Bindings:
        return self._bindings

    def connect(self) -> None:
        self.disconnect()
        self._source, self._decoder = open_source(self._path), Decoder()

    def disconnect(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def fileno(self) -> int | None:
        return None if self._source is None else self._source.fileno()

    def read(self) -> Sequence[InputEvent]:
        now = time.monotonic_ns()
        return [InputEvent(_DEVICE, _name(code), edge, now) for code, edge in self._decoder.feed(self._bytes())]

    def _bytes(self) -> bytes:
        if self._source is None:
            raise DeviceLost("pedal: not connected; call connect() first")
        try:
            data = os.read(self._source.fileno(), 64 * EVENT.size)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(f"pedal: {self._path} is gone: {error.strerror}") from error
        if not data:
            raise DeviceLost(f"pedal: {self._path} was closed")
        return data


def _name(code: int) -> str:
    """Some codes have several names; the shortest is the plain one (KEY_MUTE is KEY_MIN_INTERESTING, too)."""
    names: str | Sequence[str] = ecodes.bytype[ecodes.EV_KEY].get(code, f"KEY_{code:#x}")
    return names if isinstance(names, str) else min(names, key=len)


def _check(bindings: Bindings) -> None:
    names = _names(ecodes.bytype[ecodes.EV_KEY])
    problems = [f"bindings.{code}: no key code has this name; {_nearest(code, names)}" for code in bindings if code not in names]
    if problems:
        raise ConfigError(problems)


def _names(table: Mapping[int, str | Sequence[str]]) -> frozenset[str]:
    """Only the names under which events arrive."""
    return frozenset(_name(code) for code in table)


def _nearest(code: str, names: frozenset[str]) -> str:
    near = difflib.get_close_matches(code.upper(), sorted(names), n=1)
    return f"did you mean {near[0]!r}?" if near else "`evtest` shows the code of each pedal, such as 'KEY_A'"
