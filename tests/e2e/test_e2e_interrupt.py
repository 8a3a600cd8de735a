"""Ctrl-C in every phase: the session ends, the arm holds, what is recorded is kept."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from e2e_commands import collect, record, scripted
from e2e_session import ENVIRONMENT, HILT, Terminal, children, run, until
from e2e_wire import Wire

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench

SOME = 30
"""Packets of goals: long enough for something to be recorded, or for a lease to run out."""

Bring = Callable[[Terminal, Wire], None]


def go_on(wire: Wire) -> None:
    began_ns = time.monotonic_ns()
    until(lambda: len(wire.goals().since(began_ns)) > SOME, "the rig goes on")


def to_ready(terminal: Terminal, _: Wire) -> None:
    terminal.phase("ready")


def to_driving(terminal: Terminal, wire: Wire) -> None:
    """HUMAN or, with a policy, AUTONOMOUS."""
    to_ready(terminal, wire)
    terminal.press("enter")
    terminal.phase("(?:human|autonomous)")
    go_on(wire)


def to_paused(terminal: Terminal, wire: Wire) -> None:
    to_driving(terminal, wire)
    terminal.press("space")
    terminal.phase("paused")


def to_reset(terminal: Terminal, wire: Wire) -> None:
    to_driving(terminal, wire)
    terminal.press("f")
    terminal.phase("reset")


def to_fault(terminal: Terminal, wire: Wire) -> None:
    to_driving(terminal, wire)
    session = terminal.session
    os.kill(session, signal.SIGSTOP)
    go_on(wire)
    os.kill(session, signal.SIGCONT)
    terminal.phase("fault")


def check_clean_end(terminal: Terminal, code: int) -> None:
    assert terminal.ended() == code
    assert "Traceback" not in terminal.text
    before, after = terminal.modes
    assert before == after


def check_it_holds(wire: Wire, since_ns: int) -> None:
    """Torque never went off, and the arm is where it was sent last."""
    assert wire.torque(since_ns=since_ns).all()
    assert np.abs(wire.goals().values[-1] - wire.poses()[-1]).max() < 5.0


def episodes(root: Path) -> list[int]:
    """How many frames each episode has."""
    dataset = Dataset(root)
    assert dataset.check() == []
    dataset.close()
    return [episode.length for episode in dataset.episodes]


@pytest.mark.parametrize(
    ("bring", "kept"),
    [(to_ready, 0), (to_driving, 1), (to_paused, 1), (to_reset, 1), (to_fault, 1)],
    ids=["ready", "human", "paused", "reset", "fault"],
)
def test_interrupted_while_recording(arms: Bench, tmp_path: Path, bring: Bring, kept: int) -> None:
    root = tmp_path / "dataset"
    with Wire(arms) as wire, Terminal(record(arms, root)) as terminal:
        bring(terminal, wire)
        at_ns = time.monotonic_ns()
        terminal.press("ctrl-c")
        terminal.phase("ended")
        check_clean_end(terminal, 0)
        check_it_holds(wire, at_ns)
    if kept:
        (frames,) = episodes(root)
        assert frames >= SOME - 5
    else:
        assert not list(root.glob("data/**/*.parquet"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_interrupted_while_the_policy_drives(bench: Bench, policy: Path, tmp_path: Path, number: int) -> None:
    root = tmp_path / "dataset"
    with Wire(bench) as wire, Terminal(collect(bench, root, policy)) as terminal:
        to_driving(terminal, wire)
        at_ns = time.monotonic_ns()
        terminal.press("ctrl-c") if number == signal.SIGINT else os.kill(terminal.session, number)
        terminal.phase("ended")
        check_clean_end(terminal, 0)
        check_it_holds(wire, at_ns)
    assert len(episodes(root)) == 1


def test_interrupted_at_the_question_about_torque(arms: Bench, tmp_path: Path) -> None:
    """It is no yes."""
    with Wire(arms) as wire, Terminal(record(arms, tmp_path / "dataset")) as terminal:
        to_ready(terminal, wire)
        at_ns = time.monotonic_ns()
        terminal.press("esc")
        terminal.expect("y/N")
        terminal.press("ctrl-c")
        check_clean_end(terminal, 0)
        check_it_holds(wire, at_ns)


def test_ctrl_z_stops_the_session_and_not_the_rig(arms: Bench, tmp_path: Path) -> None:
    """A test cannot press it: only a shell with job control lets it stop anybody."""
    with Terminal(record(arms, tmp_path / "dataset")) as terminal:
        terminal.phase("ready")
        status = Path(f"/proc/{terminal.member('rig')}/status").read_text()
        ignored = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:"))
        assert ignored >> signal.SIGTSTP - 1 & 1


def test_whoever_finds_the_arm_held_for_a_session_that_is_gone_is_told_what_to_do(arms: Bench, tmp_path: Path) -> None:
    robot = [flag for flag in arms.flags if flag.startswith("--robot.")]
    with Terminal(record(arms, tmp_path / "dataset")) as terminal:
        terminal.phase("ready")
        rig = terminal.member("rig")
        os.kill(terminal.session, signal.SIGKILL)
        for command in (["doctor", *robot], ["setup-motors", *robot, "--motor=gripper", "--yes"]):
            ran = run(command)
            said = " ".join((ran.stdout + ran.stderr).split())
            assert ran.returncode != 0
            assert f"the process {rig} of hilt that holds the arm; end its session. If that is gone, start another" in said


def test_interrupted_while_it_starts(arms: Bench, tmp_path: Path) -> None:
    """Before the arm is ready: no child complains, nothing is left."""
    root = tmp_path / "dataset"
    with Terminal(record(arms, root)) as terminal:
        until(lambda: any(map(children, children(terminal.shell))), "it starts its processes")
        terminal.press("ctrl-c")
        check_clean_end(terminal, 130)
    assert not (root / "data").exists()


def test_an_episode_is_saved_although_nobody_reads_what_is_printed(arms: Bench, tmp_path: Path) -> None:
    """As in `hilt record | tee log`, after Ctrl-C has ended tee."""
    root = tmp_path / "dataset"
    script = tmp_path / "start.yaml"
    script.write_text("episode: [{press: start}, {wait: reset}]\nreset: [{press: next}]\n")
    command = [HILT, *record(arms, root, *scripted(arms, str(script)))]
    with Wire(arms) as wire, subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as session:
        assert session.stdout is not None
        next(line for line in session.stdout if "HUMAN" in line)
        go_on(wire)
        session.stdout.close()
        session.send_signal(signal.SIGINT)
        assert session.wait(60) == 0
    assert len(episodes(root)) == 1
