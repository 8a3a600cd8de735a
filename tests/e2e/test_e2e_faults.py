"""A device fails in mid-episode: what can still be commanded holds, the operator is told, the session goes on."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import collect, record
from e2e_session import Terminal, until
from e2e_wire import Wire

from hilt_input_pedal.events import EV_KEY, EV_SYN, EVENT, SYN_REPORT
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.waypoint import Waypoint

SETTLES_NS = 500_000_000
"""After a fault is told, how long the arm may still swing."""


@frozen
class Session:
    bench: Bench
    wire: Wire
    terminal: Terminal
    root: Path

    def moves(self) -> None:
        began_ns = time.monotonic_ns()
        until(lambda: self.wire.moving(began_ns), "the robot moves", screen=self.terminal)

    def stays(self) -> None:
        """The robot, where it is, for a second from half a second on."""
        since_ns = time.monotonic_ns() + SETTLES_NS
        until(lambda: time.monotonic_ns() > since_ns + 1_000_000_000, "some time goes by")
        assert np.ptp(self.wire.poses(since_ns=since_ns), axis=0).max() < 1.0

    def takes_over(self) -> None:
        """A hand swings the leader from side to side, slowly, for a long time."""
        self.bench.hand.hold()
        self.terminal.press("c")
        self.terminal.phase("human")
        pose = self.bench.state()["leader"]
        sides = [{**pose, "shoulder_pan.pos": side} for side in (60.0, -60.0) * 5]
        self.bench.hand.move([Waypoint(side, 15.0) for side in sides])
        self.moves()

    def save(self) -> None:
        self.terminal.press("s")
        self.terminal.phase("saved")
        self.terminal.press("esc")
        self.terminal.expect("y/N")
        self.terminal.press("n")
        self.terminal.press("enter")
        assert self.terminal.ended() == 0
        dataset = Dataset(self.root)
        assert dataset.check() == []
        (episode,) = dataset.episodes
        assert episode.length > 15
        assert dataset.episode(0)["hilt.boundary"].sum() >= 1
        dataset.close()


@pytest.fixture
def session(bench: Bench, policy: Path, tmp_path: Path) -> Iterator[Session]:
    """The policy drives."""
    command = collect(bench, tmp_path / "dataset", policy, "--policy.queue_threshold=3")
    with Wire(bench) as wire, Terminal(command) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("autonomous")
        session = Session(bench, wire, terminal, tmp_path / "dataset")
        session.moves()
        yield session
    bench.hand.release()
    for arm in ("robot", "leader"):
        bench.command("replug", arm=arm)


def test_a_robot_that_is_unplugged(session: Session) -> None:
    terminal = session.terminal
    session.bench.command("unplug", arm="robot")
    terminal.expect("robot is lost: .*robot.port")
    terminal.phase("fault")
    terminal.press("a")
    terminal.expect("not now: robot: .*robot.port")
    session.bench.command("replug", arm="robot")
    terminal.expect("robot is back")
    terminal.press("a")
    terminal.phase("paused")
    session.stays()
    terminal.press("p")
    terminal.phase("autonomous")
    session.moves()
    session.save()


def test_a_leader_that_is_unplugged_while_it_leads(session: Session) -> None:
    terminal = session.terminal
    session.takes_over()
    session.bench.command("unplug", arm="leader")
    terminal.expect("leader is lost: .*leader.port")
    terminal.phase("fault")
    session.stays()
    session.bench.command("replug", arm="leader")
    terminal.expect("leader is back")
    terminal.press("a")
    terminal.phase("paused")
    session.takes_over()
    session.save()


def test_a_leader_that_is_unplugged_while_the_policy_drives(session: Session) -> None:
    """The episode goes on; a takeover waits until the leader is back."""
    terminal = session.terminal
    session.bench.command("unplug", arm="leader")
    terminal.expect("leader is lost: .*leader.port")
    session.moves()
    terminal.press("c")
    terminal.expect("not now: leader: .*leader.port")
    terminal.phase("paused")
    session.stays()
    session.bench.command("replug", arm="leader")
    terminal.expect("leader is back")
    session.takes_over()
    session.save()


def test_cameras_that_show_nothing_new(session: Session) -> None:
    terminal = session.terminal
    renderer = _renderer(session.bench)
    os.kill(renderer, signal.SIGSTOP)
    try:
        terminal.expect("(front|wrist) is lost: camera (front|wrist): no new frame within 1 s")
        terminal.phase("paused")
        terminal.press("p")
        terminal.expect("not now: .*(front|wrist): camera (front|wrist): no new frame within 1 s")
        session.stays()
    finally:
        os.kill(renderer, signal.SIGCONT)
    until(lambda: {"front is back", "wrist is back"} <= set(terminal.text.splitlines()), "both are back", screen=terminal)
    terminal.press("p")
    terminal.phase("autonomous")
    session.moves()
    session.save()


def _renderer(bench: Bench) -> int:
    mark = f"hilt_robot_emulated.render\0{bench.folder}".encode()
    (pid,) = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _read(path)]
    return pid


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_pedal_that_is_unplugged(bench: Bench, tmp_path: Path) -> None:
    """It is the only input: the arm holds until it is back."""
    path = tmp_path / "pedal"
    os.mkfifo(path)
    wire = os.open(path, os.O_RDWR)
    bindings = "{KEY_A: {ready: start, paused: resume}, KEY_B: stop}"
    flags = ["--input.type=pedal", f"--input.device_path={path}", f"--input.bindings={bindings}"]
    with Terminal(record(bench, tmp_path / "dataset", *flags)) as terminal:
        terminal.phase("ready")
        os.write(wire, _press(30))
        terminal.phase("human")
        path.unlink()
        os.close(wire)
        terminal.expect(f"the input pedal is lost .*{path}")
        terminal.phase("paused")
        os.mkfifo(tmp_path / "new")
        wire = os.open(tmp_path / "new", os.O_RDWR)
        (tmp_path / "new").rename(path)
        terminal.expect("the input pedal is back")
        os.write(wire, _press(30))
        terminal.phase("human")
        os.write(wire, _press(48))
        terminal.expect("y/N")
        terminal.press("n")
        terminal.press("enter")
        assert terminal.ended() == 0
    os.close(wire)


def _press(code: int) -> bytes:
    reports = [(EV_KEY, code, 1), (EV_SYN, SYN_REPORT, 0), (EV_KEY, code, 0), (EV_SYN, SYN_REPORT, 0)]
    return b"".join(EVENT.pack(0, 0, *event) for event in reports)
