"""A session that dies or stops answering in the middle of a motion: the arm stays where it is, nothing is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import collect, record
from e2e_session import Terminal, runs, until
from e2e_wire import Wire, step_of
from numpy.typing import NDArray

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
PAUSE_S = 5 * EXPIRES_S
SIDE = 85.0
FPS = 30

Stop = Callable[[Terminal], int]
"""Stops a session. Returns when it had stopped, monotonic ns."""


@frozen
class Cut:
    """A session that was cut off at `at_ns`, in an episode of about so many frames. From `held_ns` on the goals stay."""

    at_ns: int
    held_ns: int
    rig: int
    frames: float


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
    goals = wire.goals().since(began_ns)
    frames = np.count_nonzero(goals.times <= at_ns) * FPS / rate_hz
    changes = goals.since(at_ns).changed()
    assert len(changes) <= np.ceil(EXPIRES_S * rate_hz) + LATE
    held_ns = max(at_ns, *changes) if len(changes) else at_ns
    until(lambda: len(wire.goals().since(held_ns + SWINGS_NS)) > 15, "the rig goes on commanding")
    return Cut(at_ns, int(held_ns), rig, frames)


def check_held(wire: Wire, cut: Cut) -> None:
    """From the hold on, through a takeover: no goal moves by more than a degree, the follower stays, its torque is on."""
    goals = wire.goals().since(cut.held_ns).values
    rounding = max(step_of(joint) for joint in range(goals.shape[1]))
    assert np.abs(np.diff(goals, axis=0)).max() <= 1.0 + rounding
    poses = wire.poses(since_ns=cut.held_ns + SWINGS_NS)
    assert np.ptp(poses, axis=0).max() < 1.0
    assert np.abs(poses[-1] - goals[0]).max() < 5.0, "it is where it was sent"
    assert wire.torque(since_ns=cut.at_ns).all()


def check_recovered(root: Path, cut: Cut) -> None:
    """The one episode, but for the last second of it at most."""
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    assert len(dataset) >= cut.frames - FPS
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
            assert restarted.leave() == 0
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
        assert terminal.leave() == 0
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    check_boundaries(dataset.episode(0))
    dataset.close()


def check_boundaries(columns: "dict[str, NDArray[Any]]") -> None:
    """Where frames are missing, as they are where the session was suspended, and nowhere else."""
    gaps = np.diff(columns["hilt.time_ns"][:, 0]) > 1.5e9 / FPS
    assert gaps.any()
    np.testing.assert_array_equal(columns["hilt.boundary"][:, 0], [False, *gaps])


def test_a_machine_that_pauses_is_no_fault(bench: Bench, tmp_path: Path) -> None:
    """Session and rig, which are one process group, stop together, as on a busy machine: nobody has to acknowledge anything."""
    with Wire(bench) as wire, Terminal(record(bench, tmp_path / "dataset")) as terminal:
        terminal.phase("ready")
        led_by_a_hand(bench, terminal)
        began_ns = time.monotonic_ns()
        until(lambda: wire.moving(began_ns), "the goals are changing")
        os.killpg(terminal.shell, signal.SIGSTOP)
        time.sleep(PAUSE_S)
        os.killpg(terminal.shell, signal.SIGCONT)
        went_on_ns = time.monotonic_ns()
        until(lambda: wire.moving(went_on_ns), "the follower follows again", screen=terminal)
        assert "FAULT" not in terminal.text
        assert terminal.leave() == 0
