"""The terminal somebody sits at."""

import sys
import termios
from contextlib import suppress


def has_somebody() -> bool:
    """Whether there is anybody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()  # None where it was closed


def forget_typed() -> None:
    """What was typed before a question is no answer to it."""
    with suppress(termios.error):  # the terminal is gone
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
