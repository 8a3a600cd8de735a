"""Talking with the person beside the arm: lines, questions, and tables that change until a key is pressed."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attrs import define
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from hilt.terminal import forget_typed
from hilt_hooks import ConfigError

ENTER = "enter"
_POLL_S = 0.02
_UNTIL_DONE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@define
class Standing:
    """How things are at this instant, in words: what is said when a command does not get to its end."""

    now: str

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whatever ends the command early says how things are."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(self.now)
            raise


class Dialogue:
    """Raises ConfigError where there is nobody to talk with."""

    def __init__(self, console: Console, command: str) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigError(f"{command} leads you through it step by step: run it in a terminal (ssh -t, docker run -it)")
        self._console = console

    def say(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(text, style))

    def command(self, line: str) -> None:
        """A line to be copied: broken by the terminal alone."""
        self._console.print(Text(f"  {line}"), soft_wrap=True)

    def ask(self, question: str, choices: Mapping[str, str]) -> str:
        """choices: key -> what it does; "" is Enter alone. Gives the key. What was typed before is no answer to this."""
        forget_typed()
        shown = "   ".join(f"{key or 'Enter'}: {meaning}" for key, meaning in choices.items())
        if question:
            self.say(question)
        while True:
            try:
                given = self._console.input(f"  {shown} > ", markup=False).strip().lower()
            except EOFError as error:
                raise KeyboardInterrupt from error  # the terminal is gone
            if given in choices:
                return given

    @contextmanager
    def watching(self) -> Iterator["Watched"]:
        """A table in place, and single keys, until the block is left."""
        with _single_keys(), Live(console=self._console, auto_refresh=False, transient=False) as live:
            yield Watched(live)


class Watched:
    """What is on the screen while `Dialogue.watching`."""

    def __init__(self, live: Live) -> None:
        self._live, self._shown = live, ""

    def show(self, make: Callable[[], RenderableType], version: str) -> None:
        """Draw anew, if `version` says that there is something new: a slow line is not filled with what it has."""
        if version != self._shown:
            self._live.update(make(), refresh=True)
            self._shown = version

    def key(self) -> str:
        """The key that was pressed since, ENTER for Enter, "" for none; waits for a moment."""
        ready, _, _ = select.select([sys.stdin], [], [], _POLL_S)
        if not ready:
            return ""
        data = os.read(sys.stdin.fileno(), 64)
        if not data:
            raise KeyboardInterrupt  # the terminal is gone
        return ENTER if data[:1] in b"\r\n" else data[:1].decode(errors="replace").lower()


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys arrive at once and unseen, those that are pressed in here only; Ctrl-C still interrupts."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSAFLUSH)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


@contextmanager
def to_the_end() -> Iterator[None]:
    """What begins in here is finished, whatever is pressed meanwhile; then the interruption comes."""
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _UNTIL_DONE}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in came[:1]:
            signal.raise_signal(number)
