"""A session in which the policy drives and something is about to go wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from attrs import frozen
from e2e_commands import collect
from e2e_session import Terminal, until
from e2e_wire import Wire

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

SETTLES_NS = 1_000_000_000
"""For how long the arm itself may still swing once nothing new is asked of it."""
HELD = 30
"""So many goals are looked at to say that the arm holds."""
RECORDED = 60
"""Commands: a second of an episode."""
SLOWLY = 15.0
"""Degrees per second of the hand: it moves for longer than a test looks."""


@frozen
class Driven:
    bench: Bench
    wire: Wire
    terminal: Terminal
    command: list[str]
    root: Path

    def moves(self) -> None:
        began_ns = time.monotonic_ns()
        until(lambda: self.wire.moving(began_ns), "the robot moves", screen=self.terminal)

    def records(self) -> None:
        """Long enough for something to be lost, and for the next key not to count as the last one still held."""
        began_ns = time.monotonic_ns()
        until(lambda: len(self.wire.goals(last=RECORDED).since(began_ns)) == RECORDED, "a second", screen=self.terminal)

    def holds(self, since_ns: int | None = None) -> None:
        """The rig goes on commanding, always the same, and the robot stays there. since_ns: from when on; None: from now on."""
        settled_ns = (time.monotonic_ns() if since_ns is None else since_ns) + SETTLES_NS
        until(lambda: len(self.wire.goals(last=HELD).since(settled_ns)) == HELD, "the rig commands", screen=self.terminal)
        assert not len(self.wire.goals().since(settled_ns).changed())
        self.stays(settled_ns)

    def stays(self, since_ns: int) -> None:
        """The robot, with torque, whoever commands it."""
        assert np.ptp(self.wire.poses(since_ns=since_ns), axis=0).max() < 1.0
        assert self.wire.torque(since_ns=since_ns).all()

    def starts(self) -> None:
        self.terminal.press("enter")
        self._drives()

    def resumes(self) -> None:
        self.terminal.press("p")
        self._drives()

    def _drives(self) -> None:
        self.terminal.phase("autonomous")
        self.moves()

    def takes_over(self) -> None:
        """A hand swings the leader from side to side, slowly, for a long time."""
        self.bench.hand.hold()
        self.terminal.press("c")
        self.terminal.phase("human")
        pose = self.bench.state()["leader"]
        sides = [{**pose, "shoulder_pan.pos": side} for side in (60.0, -60.0) * 5]
        self.bench.hand.move([Waypoint(side, SLOWLY) for side in sides])
        self.moves()

    def cameras_are_back(self) -> None:
        back = {"front is back", "wrist is back"}
        until(lambda: back <= set(self.terminal.text.splitlines()), "both are back", screen=self.terminal)

    def saves(self) -> None:
        self.terminal.press("s")
        self.terminal.phase("saved")

    def kept(self) -> list[int]:
        """How many frames each episode has; the session is over."""
        dataset = Dataset(self.root)
        assert dataset.check() == []
        dataset.close()
        return [episode.length for episode in dataset.episodes]


@contextmanager
def driving(bench: Bench, policy: Path, root: Path, *more: str) -> Iterator[Driven]:
    """A session whose first episode has begun."""
    command = collect(bench, root, policy, "--policy.queue_threshold=3", *more)
    with Wire(bench) as wire, Terminal(command) as terminal:
        terminal.phase("ready")
        session = Driven(bench, wire, terminal, command, root)
        session.starts()
        yield session
