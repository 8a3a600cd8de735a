"""One process of a session is killed in mid-episode: the others know, the arm holds, nothing is lost."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import collect
from e2e_session import Terminal, until
from e2e_wire import Wire

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

MARGIN_NS = 1_000_000_000
"""For the session to hear of it."""


@frozen
class Session:
    """One in which the policy drives."""

    bench: Bench
    wire: Wire
    terminal: Terminal
    command: list[str]
    root: Path

    def kill(self, name: str) -> int:
        """In mid-motion. Gives the time."""
        began_ns = time.monotonic_ns()
        moving = "the policy moves the arm"
        until(lambda: len(self.wire.goals().since(began_ns)) > 60 and self.wire.moving(), moving, screen=self.terminal)
        victim, at_ns = self.terminal.member(name), time.monotonic_ns()
        os.kill(victim, signal.SIGKILL)
        return at_ns

    def check_holds(self, since_ns: int) -> None:
        """From a second after it on: goals stay, the arm stays, with torque."""
        held_ns = since_ns + MARGIN_NS
        until(lambda: time.monotonic_ns() > held_ns + MARGIN_NS, "some time goes by")
        assert len(np.unique(self.wire.goals().since(held_ns).steps, axis=0)) <= 1
        assert np.ptp(self.wire.poses(since_ns=held_ns), axis=0).max() < 1.0
        assert self.wire.torque(since_ns=since_ns).all()

    def leave(self, code: int = 0) -> None:
        self.terminal.press("esc")
        self.terminal.expect("y/N")
        self.terminal.press("n")
        self.terminal.press("enter")
        assert self.terminal.ended() == code

    def lengths(self) -> list[int]:
        dataset = Dataset(self.root)
        assert dataset.check() == []
        dataset.close()
        return [episode.length for episode in dataset.episodes]


@pytest.fixture
def session(bench: Bench, policy: Path, tmp_path: Path) -> Iterator[Session]:
    command = collect(bench, tmp_path / "dataset", policy, "--policy.queue_threshold=3")
    with Wire(bench) as wire, Terminal(command) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("autonomous")
        yield Session(bench, wire, terminal, command, tmp_path / "dataset")
    bench.hand.release()


@pytest.mark.parametrize("name", ["policy", "cameras"])
def test_without_policy_or_cameras_a_person_can_finish(session: Session, name: str) -> None:
    """The session pauses, refuses to let the policy drive on what it no longer sees, and saves what the person adds."""
    at_ns = session.kill(name)
    terminal, bench = session.terminal, session.bench
    terminal.expect(f"the {name} process ended")
    terminal.phase("paused")
    terminal.press("p")
    terminal.expect(f"not now: the {name} process ended")
    session.check_holds(at_ns)
    bench.hand.hold()
    terminal.press("c")
    terminal.phase("human")
    pose, taken_ns = bench.state()["leader"], time.monotonic_ns()
    bench.hand.move([Waypoint({**pose, "shoulder_pan.pos": pose["shoulder_pan.pos"] + 20.0}, 20.0)])
    until(lambda: session.wire.moving(taken_ns), "the robot follows")
    terminal.press("s")
    terminal.phase("saved")
    session.leave()
    (frames,) = session.lengths()
    assert frames > 30


def test_without_recorder_the_session_ends(session: Session) -> None:
    """What the recorder had written is in the dataset after the next session on it."""
    at_ns = session.kill("recorder")
    session.terminal.phase("ended")
    session.terminal.expect("y/N")
    session.terminal.press("n")
    session.terminal.press("enter")
    session.terminal.expect("recovered when the next session starts")
    assert session.terminal.ended() == 1
    session.check_holds(at_ns)
    with Terminal([*session.command, "--dataset.resume=true"]) as again:
        again.phase("ready")
        again.press("ctrl-c")
        assert again.ended() == 0
    (frames,) = session.lengths()
    assert frames >= 15


def test_without_rig_the_session_ends(session: Session) -> None:
    """The servos hold by themselves; nobody is asked about a torque that cannot be released. The next session has the arm."""
    at_ns = session.kill("rig")
    session.terminal.expect("the rig ended; motors keep what they were last told")
    assert session.terminal.ended() == 1
    assert "y/N" not in session.terminal.text
    session.check_holds(at_ns)
    assert len(session.lengths()) == 1
    with Terminal([*session.command, "--dataset.resume=true"]) as again:
        again.phase("ready")
        session.check_holds(at_ns)
        again.press("ctrl-c")
        assert again.ended() == 0
