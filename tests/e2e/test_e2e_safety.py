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


def in_time(attempt: Callable[[], Interrupted]) -> Interrupted:
    """The best of several attempts to stop in time."""
    tried = []
    for _ in range(ATTEMPTS):
        tried.append(attempt())
        if tried[-1].changes == 0:
            return tried[-1]
    raise AssertionError(f"goals still changed {HOLDS_NS / 1e6:g} ms after the end, in each attempt: {[each.changes for each in tried]}")


def check_nothing_moved(wire: Wire, cut: Interrupted) -> None:
    """From the hold on: goals stay, the follower stays, its torque stays."""
    assert runs(cut.rig)
    held_ns = cut.at_ns + HOLDS_NS
    assert len(np.unique(wire.goals().since(held_ns).steps, axis=0)) == 1
    poses = wire.poses(since_ns=held_ns + 300_000_000)  # the arm swings out first
    assert np.ptp(poses, axis=0).max() < 1.0
    assert np.abs(poses[-1] - wire.goals().values[-1]).max() < 5.0, "it is where it was sent"
    assert wire.torque(since_ns=cut.at_ns).all()


def check_taken_over(wire: Wire, terminal: Terminal, cut: Interrupted) -> None:
    """A new session has the arm, and it did not dip."""
    took = terminal.expect(r"took the arm over from process (\d+)")
    assert int(took[1]) == cut.rig
    terminal.phase("ready")
    began_ns = time.monotonic_ns()
    until(lambda: len(wire.goals().since(began_ns)) > 15, "the new rig holds the arm")
    assert not runs(cut.rig)
    held_ns = cut.at_ns + HOLDS_NS
    steps = np.array([step_of(joint) for joint in range(6)])
    assert np.abs(np.diff(wire.goals().since(held_ns).values, axis=0)).max() <= 1.0 + steps.max()
    assert np.ptp(wire.poses(since_ns=held_ns + 300_000_000), axis=0).max() < 1.0
    assert wire.torque(since_ns=cut.at_ns).all()


def leave(terminal: Terminal) -> None:
    terminal.press("esc")
    terminal.expect("y/N")
    terminal.press("n")
    terminal.press("enter")
    assert terminal.ended() == 0


@pytest.mark.parametrize(
    ("how", "drive"),
    [(kill, "policy"), (kill, "hand"), (Terminal.close, "hand")],
    ids=["killed-policy", "killed-hand", "hung-up-hand"],
)
def test_a_session_that_is_gone(bench: Bench, policy: Path, tmp_path: Path, how: Stop, drive: str) -> None:
    """Its rig holds, its log survives, and the next session takes over both."""
    root = tmp_path / "dataset"
    command = record(bench, root) if drive == "hand" else collect(bench, root, policy, "--policy.queue_threshold=3")
    begin = led_by_hand if drive == "hand" else driven_by_policy
    resumed, tries = [*command, "--dataset.resume=true"], iter([command])

    def attempt() -> Interrupted:
        with Terminal(next(tries, resumed)) as terminal:
            begin(bench, terminal)
            cut = interrupt(wire, terminal, how)
            check_nothing_moved(wire, cut) if cut.changes == 0 else None
            return cut

    with Wire(bench) as wire:
        in_time(attempt)


def test_a_session_that_is_suspended(bench: Bench, tmp_path: Path) -> None:
    """Stopped and continued: it says so, waits for the operator, and goes on in the same episode."""
    root = tmp_path / "dataset"

    def attempt() -> Interrupted:
        led_by_hand(bench, terminal)
        return interrupt(wire, terminal, suspend)

    with Wire(bench) as wire, Terminal(record(bench, root)) as terminal:
        session = None
        led_by_hand(bench, terminal)
        session = terminal.session
        cut = interrupt(wire, terminal, suspend)
        check_nothing_moved(wire, cut)
        os.kill(session, signal.SIGCONT)
        terminal.expect("the session does not answer")
        terminal.phase("fault")
