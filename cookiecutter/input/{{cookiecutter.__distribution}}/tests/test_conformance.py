"""The rules for every input, on a FIFO into which a box with buttons writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hilt_hooks.testing import Check, InputRig, check_input, conformance
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.plugin import hilt_inputs

(INPUT,) = hilt_inputs()


class Box:
    """The other end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def plug_in(self) -> None:
        os.mkfifo(self.path)
        self._file = os.open(self.path, os.O_RDWR)  # for both, for then it can be opened before anybody reads

    def unplug(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self.path.unlink()

    def tap(self, button: str) -> None:
        if self._file is not None:
            os.write(self._file, f"press {button}\nrelease {button}\n".encode())


@contextmanager
def rig() -> Iterator[InputRig]:
    with TemporaryDirectory() as folder:
        box = Box(Path(folder) / "buttons")
        box.plug_in()
        yield InputRig(
            config={{ cookiecutter.__class }}Config(path=box.path),
            tap=box.tap,
            controls=("red", "white", "blue"),
            unplug=box.unplug,
            replug=box.plug_in,
        )
        box.unplug()


@conformance(check_input(INPUT, rig, module="{{ cookiecutter.__module }}.plugin"))
def test_conformance(check: Check) -> None:
    """Skipped are what only some inputs do: show the phase, and know of others that could be meant (the rig's `absent`)."""
    check.run()
