"""A process of a session is killed or hangs in mid-episode: the arm holds, the operator is told, the session goes on."""

import os
import resource
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

    def strike(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """In mid-motion. Gives the time."""
        began_ns = time.monotonic_ns()
        moving = "the policy moves the arm"
        until(lambda: len(self.wire.goals().since(began_ns)) > 60 and self.wire.moving(), moving, screen=self.terminal)
        victim, at_ns = self.terminal.member(name), time.monotonic_ns()
        os.kill(victim, number)
        return at_ns

    def check_holds(self, since_ns: int) -> None:
        """From a second after it on: goals stay, the arm stays, with torque."""
        held_ns = since_ns + MARGIN_NS
        until(lambda: time.monotonic_ns() > held_ns + MARGIN_NS, "some time goes by")
        assert len(np.unique(self.wire.goals().since(held_ns).steps, axis=0)) <= 1
        assert np.ptp(self.wire.poses(since_ns=held_ns), axis=0).max() < 1.0
        assert self.wire.torque(since_ns=since_ns).all()

    def drives_again(self) -> None:
        self.terminal.phase("autonomous")
        began_ns = time.monotonic_ns()
        until(lambda: self.wire.moving(began_ns), "the policy moves the arm again", screen=self.terminal)

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


def test_a_person_can_go_on_without_the_policy_until_it_is_back(session: Session) -> None:
    at_ns = session.strike("policy")
    terminal, bench = session.terminal, session.bench
    terminal.expect("the policy process ended .* it is started again")
    terminal.phase("paused")
    bench.hand.hold()
    terminal.press("c")
    terminal.phase("human")
    pose, taken_ns = bench.state()["leader"], time.monotonic_ns()
    bench.hand.move([Waypoint({**pose, "shoulder_pan.pos": pose["shoulder_pan.pos"] + 20.0}, 20.0)])
    until(lambda: session.wire.moving(taken_ns), "the robot follows")
    terminal.expect("policy is back")
    assert session.wire.torque(since_ns=at_ns).all()
    terminal.press("p")
    bench.hand.release()
    session.drives_again()
    terminal.press("s")
    terminal.phase("saved")
    session.leave()
    (frames,) = session.lengths()
    assert frames > 30


def test_without_cameras_the_arm_holds_until_they_are_back(session: Session) -> None:
    at_ns = session.strike("cameras")
    terminal = session.terminal
    terminal.expect("the cameras process ended .* it is started again")
    terminal.phase("paused")
    until(lambda: {"front is back", "wrist is back"} <= set(terminal.text.splitlines()), "both are back", screen=terminal)
    session.check_holds(at_ns)
    terminal.press("p")
    session.drives_again()
    terminal.press("s")
    terminal.phase("saved")
    session.leave()
    (frames,) = session.lengths()
    assert frames > 30


def test_an_episode_ends_with_its_recorder_and_the_next_one_has_another(session: Session) -> None:
    at_ns = session.strike("recorder")
    terminal = session.terminal
    terminal.expect("the recorder process ended .* it is started again. The episode ends here")
    terminal.phase("reset")
    terminal.expect("recorder is back")
    session.check_holds(at_ns)
    terminal.press("right")
    terminal.phase("ready")
    terminal.press("enter")
    terminal.phase("autonomous")
    began_ns = time.monotonic_ns()
    until(lambda: session.wire.moving(began_ns), "the policy moves the arm again", screen=terminal)
    terminal.press("s")
    terminal.phase("saved")
    session.leave()
    first, second = session.lengths()
    assert first >= 15
    assert second >= 5


def test_a_full_disk_ends_the_episode_and_recording_goes_on_when_there_is_space(session: Session) -> None:
    recorder = session.terminal.member("recorder")
    resource.prlimit(recorder, resource.RLIMIT_FSIZE, (300_000, 300_000))
    terminal = session.terminal
    terminal.expect("recorder: .*File too large.*is kept")
    terminal.phase("reset")
    terminal.expect("recorder is back")
    session.leave()
    (frames,) = session.lengths()
    assert frames >= 15


@pytest.mark.parametrize("name", ["recorder", "cameras"])
def test_a_process_that_hangs_is_missed_and_the_episode_goes_on_when_it_answers(session: Session, name: str) -> None:
    at_ns = session.strike(name, signal.SIGSTOP)
    terminal = session.terminal
    victim = terminal.member(name)
    terminal.expect(f"the {name} process does not answer")
    terminal.phase("paused")
    os.kill(victim, signal.SIGCONT)
    assert session.wire.torque(since_ns=at_ns).all()
    terminal.expect(f"{name} is back")
    terminal.press("p")
    session.drives_again()
    terminal.press("s")
    terminal.phase("saved")
    session.leave()
    (frames,) = session.lengths()
    assert frames > 30


def test_a_policy_that_hangs_does_not_go_on_unasked(session: Session) -> None:
    session.strike("policy", signal.SIGSTOP)
    terminal = session.terminal
    policy = terminal.member("policy")
    terminal.expect("the policy has given nothing for 3 s: paused")
    terminal.phase("paused")
    went_on_ns = time.monotonic_ns()
    os.kill(policy, signal.SIGCONT)
    session.check_holds(went_on_ns)
    terminal.press("p")
    session.drives_again()
    terminal.press("s")
    terminal.phase("saved")
    session.leave()


def test_a_recorder_that_never_answers_is_replaced(session: Session) -> None:
    session.strike("recorder", signal.SIGSTOP)
    terminal = session.terminal
    terminal.expect("the recorder process ended")
    terminal.phase("reset")
    terminal.expect("recorder is back")
    session.leave()
    assert len(session.lengths()) == 1


def test_a_rig_that_hangs_is_a_fault_and_goes_on_when_it_answers(session: Session) -> None:
    session.strike("rig", signal.SIGSTOP)
    terminal = session.terminal
    rig = terminal.member("rig")
    terminal.expect("the rig process does not answer; motors keep what they were last told")
    terminal.phase("fault")
    terminal.press("a")
    terminal.expect("not now: rig: the rig process does not answer")
    went_on_ns = time.monotonic_ns()
    os.kill(rig, signal.SIGCONT)
    terminal.expect("rig is back")
    session.check_holds(went_on_ns)
    terminal.press("a")
    terminal.phase("paused")
    terminal.press("p")
    session.drives_again()
    terminal.press("s")
    terminal.phase("saved")
    session.leave()


def test_without_rig_the_session_ends(session: Session) -> None:
    """The servos hold by themselves; nobody is asked about a torque that cannot be released. The next session has the arm."""
    at_ns = session.strike("rig")
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
