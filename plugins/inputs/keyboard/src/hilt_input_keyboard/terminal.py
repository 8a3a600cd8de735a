"""A terminal in cbreak mode: keys arrive one by one and unechoed; the old mode comes back on every way out."""

import atexit
import os
import signal
import sys
import termios
import threading
from types import FrameType
from typing import Any

from hilt_hooks import ConnectError, DeviceLost

_FATAL = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_IFLAG, _LFLAG, _CC = 0, 3, 6
_ADVICE = "run hilt in a terminal (ssh -t, docker run -it, tmux), or name one with `device_path` (the command `tty` prints it)"


def own_terminal() -> str:
    """The terminal this process runs in.

    Its real name where there is one: macOS cannot wait for input on `/dev/tty`. In a container the name may lead nowhere.
    """
    try:
        name = os.ttyname(sys.__stdin__.fileno()) if sys.__stdin__ is not None else ""
    except (OSError, ValueError):
        name = ""
    return name if os.path.exists(name) else "/dev/tty"


class Terminal:
    """Opened with a file description of its own, so that non-blocking reads do not make anybody's output non-blocking."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd: int | None = None
        self._owner = 0
        self._old: list[Any] = []

    def open(self) -> None:
        """Raises ConnectError."""
        if self._fd is not None:
            return
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise ConnectError(f"keyboard: cannot open the terminal {self.path}: {error.strerror}; {_ADVICE}") from error
        if not os.isatty(fd):
            os.close(fd)
            raise ConnectError(f"keyboard: {self.path} is not a terminal; {_ADVICE}")
        if not _in_foreground(fd):
            os.close(fd)
            raise ConnectError(f"keyboard: hilt runs in the background of {self.path}; bring it to the front with `fg`")
        self._fd, self._owner, self._old = fd, os.getpid(), termios.tcgetattr(fd)
        atexit.register(self.close)
        self._watch_signals()
        self._enter()

    def close(self) -> None:
        """Restore the mode and close. Works in every state."""
        if self._fd is None:
            return
        self._restore()
        self._unwatch_signals()
        atexit.unregister(self.close)
        os.close(self._fd)
        self._fd = None

    def read(self) -> bytes:
        """What has been typed since the last call; b"" if nothing. Raises DeviceLost when the terminal is gone."""
        if self._fd is None:
            raise DeviceLost(f"keyboard: {self.path} is not open; call connect() first")
        try:
            data = os.read(self._fd, 1024)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceLost(f"keyboard: the terminal {self.path} is gone: {error.strerror}") from error
        if not data:
            raise DeviceLost(f"keyboard: the terminal {self.path} hung up")
        return data

    def _enter(self) -> None:
        """Keys typed before count for nothing. Ctrl-C still interrupts; Ctrl-S no longer stops the console."""
        if self._fd is None or not _in_foreground(self._fd):
            return
        mode = termios.tcgetattr(self._fd)
        mode[_IFLAG] &= ~termios.IXON
        mode[_LFLAG] &= ~(termios.ICANON | termios.ECHO)
        mode[_CC][termios.VMIN], mode[_CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)
        termios.tcflush(self._fd, termios.TCIFLUSH)

    def _restore(self) -> None:
        """Also drops what is typed but unread: it was meant for the robot, not for the shell."""
        if self._fd is None or self._owner != os.getpid():
            return
        try:
            termios.tcsetattr(self._fd, termios.TCSANOW, self._old)
            termios.tcflush(self._fd, termios.TCIFLUSH)
        except termios.error:
            return  # a terminal that is gone has no mode to restore

    def _watch_signals(self) -> None:
        """Only signals that would end or stop the process right away; an application's own handlers stay in charge."""
        if threading.current_thread() is not threading.main_thread():
            return
        handlers = {**dict.fromkeys(_FATAL, self._die), signal.SIGTSTP: self._suspend, signal.SIGCONT: self._resume}
        for number, handler in handlers.items():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, handler)

    def _unwatch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (*_FATAL, signal.SIGTSTP, signal.SIGCONT):
            if signal.getsignal(number) in (self._die, self._suspend, self._resume):
                signal.signal(number, signal.SIG_DFL)

    def _die(self, number: int, _frame: FrameType | None) -> None:
        self._restore()
        _take_default(number)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._restore()
        _take_default(number)
        signal.signal(number, self._suspend)
        self._resume(number, frame)

    def _resume(self, _number: int, _frame: FrameType | None) -> None:
        self._enter()


def _take_default(number: int) -> None:
    """Let the signal do what it does where nobody handles it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _in_foreground(fd: int) -> bool:
    """Whether this process may change the mode: a background process that tries is stopped by the terminal."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True  # not our controlling terminal, so no job control applies
