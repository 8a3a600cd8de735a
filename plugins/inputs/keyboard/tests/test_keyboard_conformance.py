"""The conformance kit on a pseudo-terminal. What only a terminal can do wrong is in test_keyboard_input.py."""

import os
import pty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilt_hooks.testing import Check, InputRig, check_input, conformance
from hilt_input_keyboard.config import KeyboardConfig
from hilt_input_keyboard.plugin import hilt_inputs

(KEYBOARD,) = hilt_inputs()
KEYS: Mapping[str, bytes] = {"space": b" ", "right": b"\x1b[C", "p": b"p", "enter": b"\r"}


class Desk:
    """A terminal that can be unplugged, found under a name of its own."""

    def __init__(self, name: Path) -> None:
        self.name = name
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        self._ends = pty.openpty()
        self.name.symlink_to(os.ttyname(self._ends[1]))

    def unplug(self) -> None:
        if self._ends is not None:
            for end in self._ends:
                os.close(end)
            self.name.unlink()
            self._ends = None

    def type(self, key: str) -> None:
        assert self._ends is not None
        os.write(self._ends[0], KEYS[key])


@contextmanager
def rig() -> Iterator[InputRig]:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "terminal")
        desk.plug()
        config = KeyboardConfig(device_path=str(desk.name))
        yield InputRig(
            config=config,
            tap=desk.type,
            controls=tuple(KEYS),
            unplug=desk.unplug,
            replug=desk.plug,
            absent=KeyboardConfig(device_path=str(desk.name.with_name("elsewhere"))),
        )
        desk.unplug()


EXEMPT = {"I12": "it names the terminal that does not open; there is no list of terminals"}


@conformance(check_input(KEYBOARD, rig, module="hilt_input_keyboard.plugin"), EXEMPT)
def test_keyboard(check: Check) -> None:
    check.run()
