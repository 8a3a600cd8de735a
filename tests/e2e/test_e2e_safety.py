"""A session that dies or stops answering in the middle of a motion: the arm stays where it is, nothing is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import collect, record
from e2e_session import Terminal, runs, until
from e2e_wire import Goals, Wire, step_of

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

HOLDS_NS = 100_000_000
"""After this the goals may no longer change."""
ATTEMPTS = 3
"""How often what must be in time is tried: the machine is shared, and only the best counts."""
SLOWLY = 15.0
"""Degrees per second of the hand: it moves for longer than a test looks."""
FAR = {"shoulder_pan.pos": 85.0}

Stop = Callable[[Terminal], None]


def kill(terminal: Terminal) -> None:
    os.kill(terminal.session, signal.SIGKILL)


def suspend(terminal: Terminal) -> None:
    os.kill(terminal.session, signal.SIGSTOP)


@frozen(eq=False)
class Interrupted:
    """What a session left that was cut off at `at_ns`, and the wire from then on."""

    at_ns: int
    rig: int
    after: Goals

    @property
    def changes(self) -> int:
        """How often goals still changed after the time in which they have to stop."""
        steps = self.after.since(self.at_ns + HOLDS_NS).steps
        return int((np.diff(steps, axis=0) != 0).any(axis=1).sum())


@pytest.fixture(autouse=True)
def at_rest(bench: Bench) -> Iterator[None]:
    yield
    bench.hand.release()


def led_by_hand(bench: Bench, terminal: Terminal) -> None:
    """Until the robot follows the leader, which a hand moves."""
    terminal.phase("ready")
    bench.hand.hold()
    terminal.press("enter")
    terminal.phase("human")
    bench.hand.move([Waypoint({**bench.state()["leader"], **FAR}, SLOWLY)])


def driven_by_policy(_: Bench, terminal: Terminal) -> None:
    terminal.phase("ready")
    terminal.press("enter")
    terminal.phase("autonomous")


def interrupt(wire: Wire, terminal: Terminal, how: Stop) -> Interrupted:
    """In mid-motion. Returns once the rig has gone on for half a second without its session."""
    began_ns, rig = time.monotonic_ns(), terminal.member("rig")
    until(lambda: wire.moving(began_ns), "the goals are changing")
    at_ns = time.monotonic_ns()
    how(terminal)
    until(lambda: len(wire.goals().since(at_ns + HOLDS_NS)) > 15, "the rig goes on commanding")
    return Interrupted(at_ns, rig, wire.goals().since(at_ns))
