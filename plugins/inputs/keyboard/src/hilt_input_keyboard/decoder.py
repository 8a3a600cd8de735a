"""Bytes of a terminal -> names of keys. Depends on nothing but the bytes and the times at which they came.

Sequences: ECMA-48 (CSI, SS3), with the finals that xterm, the Linux console and tmux send.
"""

import re
import string
from collections.abc import Iterator

ESCAPE_NS = 20_000_000
"""An escape byte that nothing has followed for so long is the escape key."""
SEQUENCE_NS = 500_000_000
"""A sequence that was cut off is given up after this; its bytes are never taken for keys."""

_ESC = b"\x1b"
_PREFIX = re.compile(rb"\x1b(?:\[\[?[0-?]*[ -/]*|O)")
_FINAL = re.compile(rb"[@-~]")

_SINGLE = {0x1B: "esc", 0x09: "tab", 0x0A: "enter", 0x0D: "enter", 0x20: "space", 0x08: "backspace", 0x7F: "backspace"}
_SINGLE |= {ord(character): character.lower() for character in string.printable if character.isprintable() and character != " "}

_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_NUMBERED = {1: "home", 2: "insert", 3: "delete", 4: "end", 5: "pageup", 6: "pagedown", 7: "home", 8: "end"}
_NUMBERED |= {code: f"f{n}" for n, code in enumerate((11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24), start=1)}
_SEQUENCES = {f"{start}{final}": name for start in "[O" for final, name in _ARROWS.items()}
_SEQUENCES |= {f"[{number}~": name for number, name in _NUMBERED.items()}
_SEQUENCES |= {f"O{final}": f"f{n}" for n, final in enumerate("PQRS", start=1)}
_SEQUENCES |= {f"[[{final}": f"f{n}" for n, final in enumerate("ABCDE", start=1)}

KEYS = frozenset(_SINGLE.values()) | frozenset(_SEQUENCES.values())
"""Every name that a key can have. Letters are lower case: caps lock must not disable a key."""


class Decoder:
    """Keeps what is not yet decided between calls."""

    def __init__(self) -> None:
        self._waiting = b""
        self._newest_ns = 0

    def feed(self, data: bytes, now_ns: int) -> list[str]:
        """The keys that are certain by now. data: what has come since the last call, b"" to let time pass.

        The time limits count only when nothing came: bytes that waited while the caller was busy still belong together.
        """
        if data:
            self._waiting += data
            self._newest_ns = now_ns
        keys = list(self._take())
        if not data and self._waiting:
            keys += self._give_up(now_ns - self._newest_ns)
        return keys

    def _give_up(self, silent_ns: int) -> list[str]:
        if self._waiting == _ESC and silent_ns >= ESCAPE_NS:
            self._waiting = b""
            return ["esc"]
        if silent_ns >= SEQUENCE_NS:
            self._waiting = b""
        return []

    def _take(self) -> Iterator[str]:
        while self._waiting and self._waiting != _ESC:
            prefix = _PREFIX.match(self._waiting)
            end = prefix.end() if prefix else 0
            if end == len(self._waiting):
                return
            name = self._sequence(end) if prefix else self._single()
            if name is not None:
                yield name

    def _single(self) -> str | None:
        """One byte is one key. An escape in front of a key (also Alt and that key) counts as the escape key: it stops."""
        byte, self._waiting = self._waiting[0], self._waiting[1:]
        return _SINGLE.get(byte)

    def _sequence(self, end: int) -> str | None:
        """A sequence whose prefix ends at `end`. One that is broken off there, or means no key, is dropped."""
        end += 1 if _FINAL.match(self._waiting, end) else 0
        name = _SEQUENCES.get(self._waiting[1:end].decode("ascii"))
        self._waiting = self._waiting[end:]
        return name
