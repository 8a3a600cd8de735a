"""The conformance kit on a FIFO that carries the bytes of an event device."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

if sys.platform != "linux":
    pytest.skip("event devices exist on Linux only", allow_module_level=True)

from hilt_hooks.testing import Check, InputRig, check_input, conformance
from hilt_input_pedal import source
from hilt_input_pedal.config import PedalConfig
from hilt_input_pedal.events import EV_KEY, EV_SYN, EVENT, SYN_REPORT
from hilt_input_pedal.pedal import Pedal
from hilt_input_pedal.plugin import hilt_inputs

(PEDAL,) = hilt_inputs()
CODES = {"KEY_A": 30, "KEY_B": 48, "KEY_C": 46}
RELEASED, PRESSED, REPEATED = 0, 1, 2


class Board:
    """The pedals. Like an event device, it tells only those who have it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._wire: int | None = None
        self._reader: Pedal | None = None

    def built(self, pedal: Pedal) -> None:
        self._reader = pedal

    def plug(self) -> None:
        os.mkfifo(self.path)
        self._wire = os.open(self.path, os.O_RDWR)

    def unplug(self) -> None:
        if self._wire is not None:
            os.close(self._wire)
            self.path.unlink()
            self._wire = None

    def stamp(self, pedal: str) -> None:
        """Long enough for the kernel to repeat it."""
        if self._wire is None or self._reader is None or self._reader.fileno() is None:
            return
        for value in (PRESSED, REPEATED, RELEASED):
            moved, end = EVENT.pack(0, 0, EV_KEY, CODES[pedal], value), EVENT.pack(0, 0, EV_SYN, SYN_REPORT, 0)
            os.write(self._wire, moved + end)


@contextmanager
def rig() -> Iterator[InputRig]:
    with TemporaryDirectory() as folder:
        board = Board(Path(folder) / "usb-Foot_Switch-event-kbd")
        board.plug()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(source, "_BY_ID", Path(folder))
            yield InputRig(
                config=PedalConfig(device_path=str(board.path)),
                tap=board.stamp,
                controls=tuple(CODES),
                built=board.built,
                unplug=board.unplug,
                replug=board.plug,
                absent=PedalConfig(device_path=str(board.path.with_name("usb-Other_Switch-event-kbd"))),
            )
        board.unplug()


@conformance(check_input(PEDAL, rig, module="hilt_input_pedal.plugin"))
def test_pedal(check: Check) -> None:
    check.run()
