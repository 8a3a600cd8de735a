"""Sessions in a terminal, driven by the keys that a user presses."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e_commands import collect, record, teleoperate
from e2e_session import Terminal, until
from e2e_wire import Wire

from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

UP = {"shoulder_pan.pos": 35.0, "shoulder_lift.pos": -60.0, "elbow_flex.pos": 60.0}


@pytest.fixture(autouse=True)
def nobody_holds_the_leader(bench: Bench) -> Iterator[None]:
    yield
    bench.hand.release()


def rows(screen: str) -> dict[str, str]:
    """The table of controls: keys -> what they do."""
    table = screen.partition("Controls")[2].partition("READY")[0]
    return dict(re.findall(r"^  (\S.*?) {2,}(\S.*?) {2,}keyboard *$", table, re.MULTILINE))


def leave(terminal: Terminal, *, release: bool = False) -> int:
    code = terminal.leave(release=release)
    before, after = terminal.modes
    assert before == after, "the terminal is as it was"
    return code


def test_a_round_of_collecting(bench: Bench, policy: Path, tmp_path: Path) -> None:
    """enter, space, c, x, p, s, right, enter, left, esc: with one hand on the keys and the other at the leader."""
    root = tmp_path / "dataset"
    with Wire(bench) as wire, Terminal(collect(bench, root, policy)) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("autonomous")
        until(lambda: np.ptp(wire.poses(), axis=0).max() > 20, "the policy moves the arm", screen=terminal)
        terminal.press("space")
        terminal.phase("paused")
        bench.hand.hold()
        terminal.press("c")
        assert "(recovery)" in terminal.phase("human")[0]
        start = bench.state()["robot"]["shoulder_pan.pos"]
        bench.hand.move([Waypoint({**bench.state()["leader"], "shoulder_pan.pos": start + 30.0}, 40.0)])
        until(lambda: bench.state()["robot"]["shoulder_pan.pos"] > start + 25, "the robot follows the hand")
        terminal.press("x")
        assert "(correction)" in terminal.phase("human")[0]
        terminal.press("p")
        terminal.phase("autonomous")
        bench.hand.release()
        until(lambda: bench.state()["robot"]["shoulder_pan.pos"] < start + 20, "the policy takes the arm back")
        terminal.press("s")
        terminal.phase("saved")
        terminal.phase("reset")
        terminal.press("right")
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("autonomous")
        terminal.press("left")
        terminal.phase("discarded")
        terminal.phase("reset")
        assert leave(terminal) == 0
        assert all(bench.state()["torque"]["robot"])
    dataset = Dataset(root)
    assert len(dataset.episodes) == 1
    assert dataset.check() == []
    assert (dataset.episode(0)["hilt.success"] == dataset.meaning["hilt.success"]["success"]).all()
    dataset.close()


def test_the_controls_are_those_that_are_bound(arms: Bench, tmp_path: Path) -> None:
    bindings = "--input.bindings={t: takeover, c: '', k: save}"
    command = record(arms, tmp_path / "dataset", "--input.type=keyboard", bindings)
    with Wire(arms) as wire, Terminal(command) as terminal:
        terminal.phase("ready")
        table = rows(terminal.text)
        assert table["t"] == "take over with the leader"
        assert "c" not in table
        assert table["enter (ready)"] == "start the episode"
        assert table["esc, q"] == "stop: keep what is recorded, the arm holds"
        assert [keys for keys, what in table.items() if what == "end and save"] == ["right (autonomous, paused, human, fault), k"]
        terminal.press("enter")
        terminal.phase("human")
        until(lambda: len(wire.goals()) > 30, "something is recorded")
        terminal.press("k")
        terminal.phase("saved")
        assert leave(terminal) == 0


def test_teleoperate_moves_the_follower(arms: Bench) -> None:
    """And releases the torque of both arms when the user says so."""
    with Terminal(teleoperate(arms)) as terminal:
        terminal.phase("ready")
        assert all(arms.state()["torque"]["leader"]), "it mirrors"
        arms.hand.hold()
        terminal.press("enter")
        terminal.phase("human")
        arms.hand.move([Waypoint({**arms.state()["leader"], **UP}, 60.0)])
        until(lambda: all(abs(arms.state()["robot"][joint] - value) < 3 for joint, value in UP.items()), "the follower is there")
        terminal.press("space")
        terminal.phase("paused")
        arms.hand.move([Waypoint({**arms.state()["leader"], "shoulder_pan.pos": 0.0}, 60.0)])
        until(lambda: arms.state()["leader"]["shoulder_pan.pos"] < 5, "the leader goes back")
        assert arms.state()["robot"]["shoulder_pan.pos"] == pytest.approx(35, abs=3), "paused: the follower stays"
        assert leave(terminal, release=True) == 0
        assert not any(arms.state()["torque"]["robot"])
        assert not any(arms.state()["torque"]["leader"])


def test_what_is_pressed_before_the_session_is_ready_moves_nothing(arms: Bench, tmp_path: Path) -> None:
    with Wire(arms) as wire, Terminal(record(arms, tmp_path / "dataset")) as terminal:
        terminal.expect("starting recorder")
        terminal.press("enter")
        terminal.expect("not yet: start .keyboard. counts once the session is ready")
        terminal.phase("ready")
        began_ns = time.monotonic_ns()
        until(lambda: len(wire.goals().since(began_ns)) > 30, "the rig commands")
        assert leave(terminal) == 0
        assert "HUMAN" not in terminal.text


def test_stop_ends_a_session_that_still_starts(arms: Bench, tmp_path: Path) -> None:
    with Terminal(record(arms, tmp_path / "dataset")) as terminal:
        terminal.expect("starting recorder")
        terminal.press("esc")
        assert terminal.ended() == 130
        assert "READY" not in terminal.text


def test_a_yes_that_was_typed_too_early_releases_no_torque(arms: Bench) -> None:
    """At a terminal that is not the input's: nobody takes from it what is typed during the session."""
    master, slave = os.openpty()
    with Terminal(teleoperate(arms, "--input.type=keyboard", f"--input.device_path={os.ttyname(slave)}")) as terminal:
        terminal.phase("ready")
        terminal.press("y")
        terminal.press("enter")
        os.write(master, b"q")
        assert terminal.answer_torque(release=False) == 0
        assert all(arms.state()["torque"]["robot"])
    os.close(master)
    os.close(slave)
