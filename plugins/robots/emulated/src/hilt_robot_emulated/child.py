"""What the two processes of a bench have in common: how they report that they are ready, and when they end."""

import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from attrs import frozen


@frozen
class Parent:
    """Who started this process. When it is gone, by whatever signal, this process ends as well."""

    pid: int

    @property
    def alive(self) -> bool:
        return os.getppid() == self.pid


class Ending:
    """True once SIGTERM came. Ctrl-C is for the foreground program, which then ends the bench in its own time."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked


def report(**what: object) -> None:
    """The one line that the starter waits for: ready, or an error."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def run(main: Callable[[], None]) -> None:
    """Run a child's main; what goes wrong before it is ready reaches the starter as one line."""
    try:
        main()
    except Exception as error:
        report(error=f"{type(error).__name__}: {error}")
        raise
