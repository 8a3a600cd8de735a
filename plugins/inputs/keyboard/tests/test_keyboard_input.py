import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from hilt_hooks import ConfigError, ConnectError, DeviceLost, Edge, Input
from hilt_input_keyboard.config import BINDINGS, KeyboardConfig
from hilt_input_keyboard.decoder import ESCAPE_NS, KEYS
from hilt_input_keyboard.keyboard import Keyboard


@frozen
class Pty:
    master: int
    slave: int

    @property
    def path(self) -> str:
        return os.ttyname(self.slave)

    def type(self, data: bytes) -> None:
        """Returns when the keys can be read."""
        os.write(self.master, data)
        select.select([self.slave], [], [], 5)

    @property
    def cbreak(self) -> bool:
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[Pty]:
    ends = Pty(*pty.openpty())
    yield ends
    os.close(ends.master)
    os.close(ends.slave)


@pytest.fixture
def keyboard(terminal: Pty) -> Iterator[Keyboard]:
    device = Keyboard(KeyboardConfig(device_path=terminal.path))
    device.connect()
    yield device
    device.disconnect()


def keys_until(keyboard: Keyboard, count: int, seconds: float = 5.0) -> list[str]:
    """Controls of the next `count` events; fewer when none came for too long."""
    keys: list[str] = []
    deadline = time.monotonic() + seconds
    while len(keys) < count and time.monotonic() < deadline:
        keys += [event.control for event in keyboard.read()]
    return keys


def test_keys_become_presses_with_a_time(keyboard: Keyboard, terminal: Pty) -> None:
    before = time.monotonic_ns()
    os.write(terminal.master, b" ")
    (event,) = _events(keyboard)
    assert (event.device, event.control, event.edge) == ("keyboard", "space", Edge.PRESS)
    assert before <= event.time_ns <= time.monotonic_ns()
    assert isinstance(keyboard, Input)
    assert not keyboard.reports_releases


def _events(keyboard: Keyboard) -> list:
    deadline = time.monotonic() + 5
    while not (events := list(keyboard.read())):
        assert time.monotonic() < deadline
    return events


@pytest.mark.parametrize(("data", "key"), [(b"\x1b[C", "right"), (b"\x1bOD", "left"), (b"\x1b[15~", "f5")])
def test_a_sequence_arrives_whole_wherever_it_is_split(keyboard: Keyboard, terminal: Pty, data: bytes, key: str) -> None:
    for cut in range(1, len(data)):
        terminal.type(data[:cut])
        assert keyboard.read() == []
        terminal.type(data[cut:])
        assert keys_until(keyboard, 1) == [key]


def test_escape_alone_comes_through_without_another_key(keyboard: Keyboard, terminal: Pty) -> None:
    sent = time.monotonic_ns()
    os.write(terminal.master, b"\x1b")
    (event,) = _events(keyboard)
    assert event.control == "esc"
    assert event.time_ns - sent >= ESCAPE_NS


def test_a_held_key_is_a_row_of_presses(keyboard: Keyboard, terminal: Pty) -> None:
    os.write(terminal.master, b"iiiiiii")
    assert keys_until(keyboard, 7) == ["i"] * 7


def test_enter_and_control_keys_of_the_terminal(keyboard: Keyboard, terminal: Pty) -> None:
    os.write(terminal.master, b"\r\x13\x11\x04p")
    assert keys_until(keyboard, 2) == ["enter", "p"]


def test_keys_typed_before_connect_count_for_nothing(terminal: Pty) -> None:
    os.write(terminal.master, b"\rs\r")
    keyboard = Keyboard(KeyboardConfig(device_path=terminal.path))
    keyboard.connect()
    os.write(terminal.master, b"p")
    assert keys_until(keyboard, 1) == ["p"]
    keyboard.disconnect()


def test_mode_is_cbreak_while_connected_and_restored_after(terminal: Pty) -> None:
    before = termios.tcgetattr(terminal.slave)
    keyboard = Keyboard(KeyboardConfig(device_path=terminal.path))
    assert termios.tcgetattr(terminal.slave) == before
    for _ in range(2):
        keyboard.connect()
        assert terminal.cbreak
        keyboard.connect()
        keyboard.disconnect()
        keyboard.disconnect()
        assert termios.tcgetattr(terminal.slave) == before


def test_reading_does_not_make_others_non_blocking(keyboard: Keyboard, terminal: Pty) -> None:
    assert os.get_blocking(terminal.slave)


def test_hang_up_is_device_lost() -> None:
    terminal = Pty(*pty.openpty())
    path = terminal.path
    keyboard = Keyboard(KeyboardConfig(device_path=path))
    keyboard.connect()
    os.close(terminal.master)
    with pytest.raises(DeviceLost, match=path):
        keys_until(keyboard, 1)
    keyboard.disconnect()
    with pytest.raises(DeviceLost, match="not open"):
        keyboard.read()
    os.close(terminal.slave)


def test_not_connected_is_device_lost() -> None:
    keyboard = Keyboard(KeyboardConfig())
    keyboard.disconnect()
    with pytest.raises(DeviceLost, match="not connected"):
        keyboard.read()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/no-such-terminal"])
def test_without_a_terminal_the_error_says_what_to_do(path: str) -> None:
    keyboard = Keyboard(KeyboardConfig(device_path=path))
    with pytest.raises(ConnectError, match=rf"{path}.*ssh -t.*device_path"):
        keyboard.connect()
    keyboard.disconnect()


def test_bindings_are_laid_over_the_default_ones() -> None:
    keyboard = Keyboard(KeyboardConfig(bindings={"f1": "pause", "u": "", "left": {"paused": "rerecord"}}))
    assert keyboard.bindings["f1"] == "pause"
    assert keyboard.bindings["left"] == {"paused": "rerecord"}
    assert "u" not in keyboard.bindings
    assert keyboard.bindings["space"] == "pause"


def test_a_wrong_key_is_named_with_its_nearest_match() -> None:
    with pytest.raises(ConfigError) as caught:
        Keyboard(KeyboardConfig(bindings={"spaec": "pause", "Esc": "stop", "ctrl+alt": "stop"}))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["bindings.spaec", "bindings.Esc", "bindings.ctrl+alt"]
    assert "'space'" in caught.value.problems[0]
    assert "'esc'" in caught.value.problems[1]


def test_default_bindings_name_keys_that_exist_and_none_is_a_toggle() -> None:
    assert set(BINDINGS) <= KEYS
    assert BINDINGS["space"] == "pause"
    opposite = {"pause": "resume", "resume": "pause", "start": "stop"}
    for events in BINDINGS.values():
        if not isinstance(events, str):
            assert not set(events.values()) & {opposite.get(event) for event in events.values()}


WAYS_OUT = {
    "return": "pass",
    "exception": "raise RuntimeError('boom')",
    "sys.exit": "sys.exit(3)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "SIGHUP": "os.kill(os.getpid(), signal.SIGHUP); time.sleep(60)",
    "SIGQUIT": "os.kill(os.getpid(), signal.SIGQUIT); time.sleep(60)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
}
PREAMBLE = """
import os, resource, signal, sys, termios, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from hilt_input_keyboard.config import KeyboardConfig
from hilt_input_keyboard.keyboard import Keyboard
keyboard = Keyboard(KeyboardConfig(device_path=sys.argv[1]))
keyboard.connect()
def cbreak():
    fd = os.open(sys.argv[1], os.O_RDONLY | os.O_NOCTTY)
    try:
        return not termios.tcgetattr(fd)[3] & (termios.ICANON | termios.ECHO)
    finally:
        os.close(fd)
print("cbreak" if cbreak() else "cooked", flush=True)
"""


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_mode_is_restored_on_every_way_out(terminal: Pty, tmp_path: Path, way: str) -> None:
    before = termios.tcgetattr(terminal.slave)
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + WAYS_OUT[way], terminal.path], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "cbreak\n", done.stderr
    assert termios.tcgetattr(terminal.slave) == before
    if way in ("SIGTERM", "SIGHUP", "SIGQUIT"):
        assert done.returncode < 0


def test_an_application_keeps_its_own_signal_handlers(terminal: Pty) -> None:
    script = """
signal.signal(signal.SIGTERM, lambda *_: (print("mine", cbreak(), flush=True), keyboard.disconnect(), sys.exit(0)))
keyboard.connect()
os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)
"""
    done = subprocess.run([sys.executable, "-c", PREAMBLE + script, terminal.path], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["mine True"], done.stderr
    assert done.returncode == 0
    assert not terminal.cbreak


def test_suspending_gives_the_terminal_back_and_continuing_takes_it_again(terminal: Pty) -> None:
    script = "for _ in sys.stdin: print('cbreak' if cbreak() else 'cooked', flush=True)\n"
    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, terminal.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "cbreak\n"
        os.kill(child.pid, signal.SIGTSTP)
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert not terminal.cbreak
        os.kill(child.pid, signal.SIGCONT)
        child.stdin.write("?\n")
        child.stdin.flush()
        assert child.stdout.readline() == "cbreak\n"
        child.stdin.close()
        assert child.wait(30) == 0
    assert not terminal.cbreak


def test_the_descriptor_is_light() -> None:
    code = """
import sys
from hilt_input_keyboard.plugin import hilt_inputs
assert "termios" not in sys.modules, "termios"
(descriptor,) = hilt_inputs()
module, _, attribute = descriptor.factory.partition(":")
assert getattr(__import__(module, fromlist=[attribute]), attribute)(descriptor.config()).bindings == descriptor.bindings
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
