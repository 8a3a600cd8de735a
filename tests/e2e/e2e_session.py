"""Running `hilt` as a user does: from a script, or typed at in a terminal."""

import codecs
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HILT = str(Path(sys.executable).with_name("hilt"))
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TERM": "xterm", "NO_COLOR": "1"}
PATIENCE_S = 60.0
KEYS: Mapping[str, bytes] = {
    "enter": b"\r",
    "space": b" ",
    "esc": b"\x1b",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "ctrl-c": b"\x03",
}
"""What a terminal sends; every other key sends its character."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x1b(?:\[[0-9;?]*)?\Z")
"""The last of them: one that has not arrived as a whole."""
_OPEN = "exec <{name} >{name} 2>&1; "
"""Makes a terminal that of the shell, and of what the shell starts."""
_LINE = "trap : INT; stty cols {width} rows 50; stty -g; {command}; code=$?; echo; echo exit=$code; stty -g; echo over; read _"
_MARK = "HILT_E2E_TERMINAL"
_numbers = count()


def run(command: Sequence[str], timeout_s: float = PATIENCE_S) -> "subprocess.CompletedProcess[str]":
    """`hilt COMMAND...`, without a terminal, to its end."""
    return run_alone([HILT, *command], timeout_s, env={**ENVIRONMENT, "COLUMNS": "160"})


def run_alone(line: Sequence[str], timeout_s: float | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
    """A command to its end. If the test ends before, it is killed with all that it started: a rig would hold the arm."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, start_new_session=True, **options
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(line, process.returncode, stdout, stderr)


def until(true: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S, screen: "Terminal | None" = None) -> None:
    """Wait for what another process does in its own time."""
    end = time.monotonic() + timeout_s
    while not true():
        shown = f"; the screen:\n{screen.text}" if screen else ""
        assert time.monotonic() < end, f"not within {timeout_s:g} s: {what}{shown}"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether the process is there, and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    return [each for each in _processes() if _parent(each) == pid and runs(each)]


def member(session: int, name: str) -> int:
    """The process of a session that writes the status ring of `name`: rig, cameras, policy or recorder."""
    for pid in children(session):
        if re.search(rf"rw-s .*/status-{name}\.ring", _proc(pid, "maps")):
            return pid
    raise AssertionError(f"session {session} has no {name} process")


def _processes() -> list[int]:
    return sorted(int(folder.name) for folder in Path("/proc").glob("[0-9]*"))


def _parent(pid: int) -> int:
    return int((_proc(pid, "stat").rpartition(")")[2].split() or ["", "0"])[1])


def _proc(pid: int, file: str) -> str:
    try:
        return Path(f"/proc/{pid}/{file}").read_text(errors="replace")
    except OSError:
        return ""


class Terminal:
    """A terminal with a shell in it that runs one `hilt` command and says how it ended.

    What the command prints is read all the time, as a terminal emulator does.
    """

    def __init__(self, command: Sequence[str], *, width: int = 160) -> None:
        self._mark = f"{os.getpid()}-{next(_numbers)}"
        self._text, self._seen, self._news = "", 0, threading.Condition()
        self._hang_up, self._hung_up = os.pipe()[::-1]
        self._master, self._slave = pty.openpty()
        line = _OPEN.format(name=os.ttyname(self._slave)) + _LINE.format(width=width, command=shlex.join([HILT, *command]))
        self._process = subprocess.Popen(["/bin/sh", "-c", line], start_new_session=True, env={**ENVIRONMENT, _MARK: self._mark})
        self.shell = self._process.pid
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Whatever still runs is killed: a rig that holds an arm would keep the port of the bench."""
        try:
            until(lambda: not self._kill_family(), "everybody in the terminal is gone")
        finally:
            self.close()
            self._process.wait()

    def _kill_family(self) -> list[int]:
        """Gives those that were still there."""
        family = self.family()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return family

    def family(self) -> list[int]:
        """All processes that were started in this terminal and still run."""
        return [pid for pid in _processes() if f"{_MARK}={self._mark}\0" in _proc(pid, "environ") and runs(pid)]

    def close(self) -> None:
        """Close the window: the terminal hangs up on everybody in it."""
        if self._reader.is_alive():
            os.write(self._hang_up, b"x")
            self._reader.join()
        if self._master >= 0:
            for descriptor in (self._master, self._slave, self._hang_up, self._hung_up):
                os.close(descriptor)
        self._master = -1

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while True:
            ready, _, _ = select.select([self._master, self._hung_up], [], [])
            if self._hung_up in ready:
                return
            data = os.read(self._master, 4096)
            with self._news:
                self._text += decoder.decode(data)
                self._news.notify_all()

    @property
    def text(self) -> str:
        """Everything that was on the screen."""
        return _ESCAPES.sub("", self._text).replace("\r", "")

    @property
    def session(self) -> int:
        """The pid of the session's own process."""
        (pid,) = children(self.shell)
        return pid

    def member(self, name: str) -> int:
        return member(self.session, name)

    def press(self, key: str) -> None:
        os.write(self._master, KEYS.get(key, key.encode()))

    def expect(self, pattern: str, timeout_s: float = PATIENCE_S) -> "re.Match[str]":
        """Wait until something new on the screen matches. What comes after it is new to the next call."""
        end = time.monotonic() + timeout_s
        with self._news:
            while not (match := re.compile(pattern, re.MULTILINE).search(self.text, self._seen)):
                left = end - time.monotonic()
                assert left > 0, f"no {pattern!r} within {timeout_s:g} s in:\n{self.text}"
                self._news.wait(left)
        self._seen = match.end()
        return match

    def phase(self, name: str, timeout_s: float = PATIENCE_S) -> "re.Match[str]":
        """Wait until the session says, in a whole line, that it is in this phase."""
        return self.expect(rf"^ *[\d.]+ s  {name.upper()}\b.*\n", timeout_s)

    def leave(self, *, release: bool = False) -> int:
        """Stop the session by its key, and say whether the torque is to be released; gives the exit code."""
        self.press("esc")
        return self.answer_torque(release=release)

    def answer_torque(self, *, release: bool = False) -> int:
        """Say, once the session has ended and asks, whether the torque is to be released; gives the exit code."""
        self.expect(re.escape("Release the torque? The arm will drop. [y/N]"))
        self.press("y" if release else "n")
        self.press("enter")
        return self.ended()

    def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait for the end; gives the exit code."""
        code = int(self.expect(r"^exit=(\d+)$", timeout_s)[1])
        self.expect("^over$")
        return code

    @property
    def modes(self) -> list[str]:
        """The terminal's modes as `stty -g` says them: before the command and, once it has ended, after it."""
        return re.findall(r"^[0-9a-f]+(?::[0-9a-f]+)+$", self.text, re.MULTILINE)
