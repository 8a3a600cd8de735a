"""A process of a session is killed or hangs in mid-episode: the arm holds, the operator is told, the session goes on."""

import os
import resource
import signal
import time
from pathlib import Path

import pytest
from attrs import evolve
from e2e_commands import teleoperate
from e2e_driven import SETTLES_NS, SLOWLY, Driven
from e2e_session import ENVIRONMENT, Terminal, until
from e2e_wire import Wire

from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

DIARY = Path(__file__).parents[1] / "fixtures/plugins/diary"
"""A plugin that observes sessions."""


def strike(session: Driven, name: str, number: signal.Signals = signal.SIGKILL) -> int:
    """In mid-motion, when there is something to lose. Gives the process."""
    session.records()
    session.moves()
    victim = session.terminal.member(name)
    os.kill(victim, number)
    return victim


def check_whole(session: Driven) -> None:
    """The one episode goes on to its end, and is kept from its start."""
    session.saves()
    assert session.terminal.leave() == 0
    (frames,) = session.kept()
    assert frames > 30


def test_a_person_can_go_on_without_the_policy_until_it_is_back(driven: Driven) -> None:
    struck_ns = time.monotonic_ns()
    strike(driven, "policy")
    driven.terminal.expect("the policy process ended .* it is started again")
    driven.terminal.phase("paused")
    driven.takes_over()
    driven.terminal.expect("policy is back")
    assert driven.wire.torque(since_ns=struck_ns).all()
    driven.bench.hand.hold()
    driven.resumes()
    driven.bench.hand.release()
    check_whole(driven)


def test_without_cameras_the_arm_holds_until_they_are_back(driven: Driven) -> None:
    strike(driven, "cameras")
    driven.terminal.expect("the cameras process ended .* it is started again")
    driven.terminal.phase("paused")
    paused_ns = time.monotonic_ns()
    driven.cameras_are_back()
    driven.holds(paused_ns)
    driven.resumes()
    check_whole(driven)


def test_an_episode_ends_with_its_recorder_and_the_next_one_has_another(driven: Driven) -> None:
    strike(driven, "recorder")
    driven.terminal.expect("the recorder process ended .* it is started again. The episode ends here")
    check_next_one_is_recorded(driven)


def test_a_recorder_that_cannot_write_ends_the_episode_and_the_next_one_is_recorded(driven: Driven) -> None:
    """Its successor can."""
    resource.prlimit(driven.terminal.member("recorder"), resource.RLIMIT_FSIZE, (300_000, 300_000))
    driven.terminal.expect("recorder: .*File too large.*is kept")
    check_next_one_is_recorded(driven)


def check_next_one_is_recorded(session: Driven) -> None:
    session.terminal.phase("reset")
    ended_ns = time.monotonic_ns()
    session.terminal.expect("recorder is back")
    session.holds(ended_ns)
    session.terminal.press("right")
    session.terminal.phase("ready")
    session.starts()
    session.saves()
    assert session.terminal.leave() == 0
    first, second = session.kept()
    assert first >= 15
    assert second >= 5


@pytest.mark.parametrize("name", ["recorder", "cameras"])
def test_a_process_that_hangs_is_missed_and_the_episode_goes_on_when_it_answers(driven: Driven, name: str) -> None:
    victim = strike(driven, name, signal.SIGSTOP)
    driven.terminal.expect(f"the {name} process does not answer")
    driven.terminal.phase("paused")
    paused_ns = time.monotonic_ns()
    os.kill(victim, signal.SIGCONT)
    driven.terminal.expect(f"{name} is back")
    driven.holds(paused_ns)
    driven.resumes()
    check_whole(driven)


def test_a_policy_that_hangs_does_not_go_on_unasked(driven: Driven) -> None:
    policy = strike(driven, "policy", signal.SIGSTOP)
    driven.terminal.expect("the policy has given nothing for 3 s: paused")
    driven.terminal.phase("paused")
    os.kill(policy, signal.SIGCONT)
    driven.holds()
    driven.resumes()
    check_whole(driven)


def test_a_recorder_that_never_answers_is_replaced(driven: Driven) -> None:
    strike(driven, "recorder", signal.SIGSTOP)
    driven.terminal.expect("the recorder process ended")
    driven.terminal.phase("reset")
    driven.terminal.expect("recorder is back")
    assert driven.terminal.leave() == 0
    (frames,) = driven.kept()
    assert frames >= 15


def test_a_rig_that_hangs_is_a_fault_and_goes_on_when_it_answers(driven: Driven) -> None:
    rig = strike(driven, "rig", signal.SIGSTOP)
    terminal = driven.terminal
    terminal.expect("the rig process does not answer; motors keep what they were last told")
    terminal.phase("fault")
    terminal.press("a")
    terminal.expect("not now: rig: the rig process does not answer")
    os.kill(rig, signal.SIGCONT)
    terminal.expect("rig is back")
    driven.holds()
    terminal.press("a")
    terminal.phase("paused")
    driven.resumes()
    check_whole(driven)


def test_without_rig_the_session_ends(driven: Driven) -> None:
    """The servos hold by themselves; nobody is asked about a torque that cannot be released. The next session has the arm."""
    strike(driven, "rig")
    settled_ns = time.monotonic_ns() + SETTLES_NS
    driven.terminal.expect("the rig ended; motors keep what they were last told")
    assert driven.terminal.ended() == 1
    assert "y/N" not in driven.terminal.text
    until(lambda: time.monotonic_ns() > settled_ns + SETTLES_NS, "some time goes by")
    assert not len(driven.wire.goals().since(settled_ns)), "nobody commands it"
    driven.stays(settled_ns)
    (frames,) = driven.kept()
    assert frames >= 15
    with Terminal([*driven.command, "--dataset.resume=true"]) as again:
        again.phase("ready")
        evolve(driven, terminal=again).holds()
        driven.stays(settled_ns)
        again.press("ctrl-c")
        assert again.ended() == 0


def test_a_session_does_not_mind_the_loss_of_observers(arms: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, the arm follows its leader as before, and the next phases come."""
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", str(DIARY))
    with Wire(arms) as wire, Terminal(teleoperate(arms)) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("human")
        os.kill(terminal.member("observers"), signal.SIGKILL)
        terminal.expect("the observers process ended .* the session goes on without it")
        struck_ns = time.monotonic_ns()
        arms.hand.hold()
        arms.hand.move([Waypoint({**arms.state()["leader"], "shoulder_pan.pos": 40.0}, SLOWLY)])
        until(lambda: wire.moving(struck_ns), "the robot follows", screen=terminal)
        arms.hand.release()
        terminal.press("space")
        terminal.phase("paused")
        assert terminal.leave() == 0
