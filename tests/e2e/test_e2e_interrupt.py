"""Ctrl-C in every phase: the session ends, the arm holds, what is recorded is kept."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e_commands import collect, record
from e2e_session import Terminal, children, until
from e2e_wire import Wire

from hilt.log import EpisodeLog
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench

Bring = Callable[[Terminal], None]
FRAMES = 15


@pytest.fixture(autouse=True)
def nobody_holds_the_leader(arms: Bench) -> Iterator[None]:
    arms.hand.hold()
    yield
    arms.hand.release()


def to_ready(terminal: Terminal) -> None:
    terminal.phase("ready")


def to_driving(terminal: Terminal) -> None:
    """HUMAN or, with a policy, AUTONOMOUS."""
    to_ready(terminal)
    terminal.press("enter")
    terminal.phase("human|autonomous")


def to_paused(terminal: Terminal) -> None:
    to_driving(terminal)
    terminal.press("space")
    terminal.phase("paused")


def to_reset(terminal: Terminal) -> None:
    to_driving(terminal)
    terminal.press("s")
    terminal.phase("reset")


def to_fault(terminal: Terminal) -> None:
    to_driving(terminal)
    session = terminal.session
    os.kill(session, signal.SIGSTOP)
    os.kill(session, signal.SIGCONT)


def check_it_holds(wire: Wire, bench: Bench) -> None:
    assert wire.torque()[-1].all()
    goal, pose = wire.goals().values[-1], wire.poses()[-1]
    assert np.abs(goal - pose).max() < 5.0


def interrupted(terminal: Terminal) -> None:
    terminal.press("ctrl-c")
    code = terminal.ended()
    print(code)
    assert "Traceback" not in terminal.text
    before, after = terminal.modes
    assert before == after
