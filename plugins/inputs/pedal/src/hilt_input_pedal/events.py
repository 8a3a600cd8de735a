"""Bytes of a Linux event device -> edges of keys. Source: the kernel's Documentation/input/event-codes.rst, linux/input.h."""

import struct

from hilt_hooks import Edge

EVENT = struct.Struct("@llHHi")
"""struct input_event: seconds, microseconds, type, code, value; seconds and microseconds as long as the kernel's `long`."""

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
_RELEASED, _PRESSED = 0, 1  # 2 is the kernel's auto-repeat of a held key


class Decoder:
    """Which keys are held, and what is left of an event of which only a part has come."""

    def __init__(self) -> None:
        self._rest = b""
        self._held: set[int] = set()
        self._dropping = False

    def feed(self, data: bytes) -> list[tuple[int, Edge]]:
        """(code, edge) of every key that changed. A release only follows a press, and a press a release."""
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        return [edge for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]) for edge in self._take(kind, code, value)]

    def _take(self, kind: int, code: int, value: int) -> list[tuple[int, Edge]]:
        if kind == EV_SYN:
            return self._synchronise(code)
        if kind != EV_KEY or self._dropping:
            return []
        if value == _PRESSED and code not in self._held:
            self._held.add(code)
            return [(code, Edge.PRESS)]
        if value == _RELEASED and code in self._held:
            self._held.remove(code)
            return [(code, Edge.RELEASE)]
        return []

    def _synchronise(self, code: int) -> list[tuple[int, Edge]]:
        """The kernel dropped events: what is held is unknown until the next report, so everything counts as released."""
        if code == SYN_REPORT:
            self._dropping = False
        if code != SYN_DROPPED:
            return []
        self._dropping = True
        released = sorted(self._held)
        self._held.clear()
        return [(held, Edge.RELEASE) for held in released]
