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
from e2e_wire import Wire, step_of

from hilt.ipc.lease import EXPIRES_S
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

SWINGS_NS = 300_000_000
"""How long the arm itself may still move once its goals stay, by its inertia."""
RECORDS_HZ, COLLECTS_HZ = 30, 60
"""How often the two commands of this file command the arm."""
LATE = 3
"""Commands that may still change after the lease's time: one decided, one under way, one for ticks that were not on time."""
SLOWLY = 15.0
"""Degrees per second of the hand: it moves for longer than a test looks."""
PAUSE_S = 0.3
SIDE = 85.0
FPS = 30

Stop = Callable[[Terminal], int]
"""Stops a session. Returns when it had stopped, monotonic ns."""


@frozen
class Cut:
    """A session that was cut off at `at_ns`, having recorded from about `began_ns` on. From `held_ns` on the goals stay."""

    began_ns: int
    at_ns: int
    held_ns: int
    rig: int


@pytest.fixture(autouse=True)
def nobody_holds_the_leader(bench: Bench) -> Iterator[None]:
    yield
    bench.hand.release()


def kill(terminal: Terminal) -> int:
    os.kill(terminal.session, signal.SIGKILL)
    return time.monotonic_ns()


def suspend(terminal: Terminal) -> int:
    os.kill(terminal.session, signal.SIGSTOP)
    return time.monotonic_ns()


def close(terminal: Terminal) -> int:
    session = terminal.session
    terminal.close()
    until(lambda: not runs(session), "the session ends with its window")
    return time.monotonic_ns()


def led_by_a_hand(bench: Bench, terminal: Terminal) -> None:
    bench.hand.hold()
    terminal.press("enter")
    terminal.phase("human")
    pose = bench.state()["leader"]
    bench.hand.move([Waypoint({**pose, "shoulder_pan.pos": -np.sign(pose["shoulder_pan.pos"]) * SIDE}, SLOWLY)])


def driven_by_the_policy(bench: Bench, terminal: Terminal) -> None:
    terminal.press("enter")
    terminal.phase("autonomous")


def cut_off(
    bench: Bench, wire: Wire, terminal: Terminal, drive: Callable[[Bench, Terminal], None], stop: Stop, rate_hz: int
) -> Cut:
    """Stop a session in mid-motion: its rig sends what the lease allows, and then holds."""
    terminal.phase("ready")
    drive(bench, terminal)
    began_ns, rig = time.monotonic_ns(), terminal.member("rig")
    until(lambda: len(wire.goals().since(began_ns)) > 45 and wire.moving(), "the goals are changing")
    at_ns = stop(terminal)
    until(lambda: wire.still(at_ns), "the goals stay")
    changes = wire.goals().since(at_ns).changed()
    assert len(changes) <= np.ceil(EXPIRES_S * rate_hz) + LATE
    held_ns = max(at_ns, *changes) if len(changes) else at_ns
    until(lambda: len(wire.goals().since(held_ns + SWINGS_NS)) > 15, "the rig goes on commanding")
    return Cut(began_ns, at_ns, int(held_ns), rig)


def check_held(wire: Wire, cut: Cut) -> None:
    """From the hold on, through a takeover: no goal moves by more than a degree, the follower stays, its torque is on."""
    goals = wire.goals().since(cut.held_ns).values
    rounding = max(step_of(joint) for joint in range(goals.shape[1]))
    assert np.abs(np.diff(goals, axis=0)).max() <= 1.0 + rounding
    poses = wire.poses(since_ns=cut.held_ns + SWINGS_NS)
    assert np.ptp(poses, axis=0).max() < 1.0
    assert np.abs(poses[-1] - goals[0]).max() < 5.0, "it is where it was sent"
    assert wire.torque(since_ns=cut.at_ns).all()


def leave(terminal: Terminal) -> None:
    terminal.press("esc")
    terminal.expect("y/N")
    terminal.press("n")
    terminal.press("enter")
    assert terminal.ended() == 0


def check_recovered(root: Path, cut: Cut) -> None:
    """The one episode, up to a second before the cut."""
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    assert len(dataset) >= ((cut.at_ns - cut.began_ns) / 1e9 - 1) * FPS
    assert dataset.check() == []
    dataset.close()


@pytest.mark.parametrize(
    ("stop", "policy_drives"),
    [(kill, True), (kill, False), (close, False)],
    ids=["killed-autonomous", "killed-human", "window-closed-human"],
)
def test_a_session_that_is_gone(bench: Bench, policy: Path, tmp_path: Path, stop: Stop, policy_drives: bool) -> None:
    """Its rig holds, its log survives, and the next session takes over both."""
    root = tmp_path / "dataset"
    if policy_drives:
        command, drive, rate_hz = collect(bench, root, policy, "--policy.queue_threshold=3"), driven_by_the_policy, COLLECTS_HZ
    else:
        command, drive, rate_hz = record(bench, root), led_by_a_hand, RECORDS_HZ
    with Wire(bench) as wire, Terminal(command) as terminal:
        cut = cut_off(bench, wire, terminal, drive, stop, rate_hz)
        check_held(wire, cut)
        assert runs(cut.rig)
        assert len(list(root.glob("hilt/logs/*/*.mcap.part"))) == 1
        with Terminal([*command, "--dataset.resume=true"]) as restarted:
            assert int(restarted.expect(r"took the arm over from process (\d+)")[1]) == cut.rig
            restarted.phase("ready")
            ready_ns = time.monotonic_ns()
            until(lambda: len(wire.goals().since(ready_ns)) > 15, "the new rig holds the arm")
            check_held(wire, cut)
            if policy_drives:  # no hand is at the leader: it stays as well
                assert np.ptp(wire.poses("leader", since_ns=cut.held_ns + SWINGS_NS), axis=0).max() < 2.0
            assert not runs(cut.rig)
            leave(restarted)
    check_recovered(root, cut)


def test_a_session_that_is_suspended(bench: Bench, tmp_path: Path) -> None:
    """Stopped and continued: it says so, waits for the operator, and goes on in the same episode."""
    root = tmp_path / "dataset"
    with Wire(bench) as wire, Terminal(record(bench, root)) as terminal:
        cut = cut_off(bench, wire, terminal, led_by_a_hand, suspend, RECORDS_HZ)
        check_held(wire, cut)
        os.kill(terminal.session, signal.SIGCONT)
        terminal.expect("the session did not answer")
        terminal.phase("fault")
        bench.hand.hold()
        terminal.press("a")
        terminal.phase("paused")
        check_held(wire, cut)
        terminal.press("c")
        terminal.phase("human")
        pose, went_on_ns = bench.state()["leader"], time.monotonic_ns()
        bench.hand.move([Waypoint({**pose, "elbow_flex.pos": pose["elbow_flex.pos"] - 20.0}, SLOWLY)])
        until(lambda: wire.moving(went_on_ns), "the follower follows again")
        terminal.press("s")
        terminal.phase("reset")
        leave(terminal)
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    assert dataset.episode(0)["hilt.boundary"].sum() == 1
    dataset.close()


def test_a_machine_that_pauses_is_no_fault(bench: Bench, tmp_path: Path) -> None:
    """Session and rig stop together, as on a busy or virtual machine: nobody has to acknowledge anything."""
    with Wire(bench) as wire, Terminal(record(bench, tmp_path / "dataset")) as terminal:
        terminal.phase("ready")
        led_by_a_hand(bench, terminal)
        began_ns = time.monotonic_ns()
        until(lambda: wire.moving(began_ns), "the goals are changing")
        both = [terminal.member("rig"), terminal.session]
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(PAUSE_S)
        for pid in reversed(both):
            os.kill(pid, signal.SIGCONT)
        went_on_ns = time.monotonic_ns()
        until(lambda: wire.moving(went_on_ns), "the follower follows again", screen=terminal)
        assert "FAULT" not in terminal.text
        leave(terminal)
