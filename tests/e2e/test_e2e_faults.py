"""A device fails in mid-episode: what can still be commanded holds, the operator is told, the session goes on."""

import os
import signal
from pathlib import Path

from e2e_commands import record
from e2e_driven import Driven
from e2e_session import Terminal

from hilt_input_pedal.events import EV_KEY, EV_SYN, EVENT, SYN_REPORT
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench


def save(session: Driven) -> None:
    """The one episode is whole, and says that something is missing in it."""
    session.saves()
    assert session.terminal.leave() == 0
    (frames,) = session.kept()
    assert frames >= 10
    dataset = Dataset(session.root)
    assert dataset.episode(0)["hilt.boundary"].sum() >= 1
    dataset.close()


def test_a_robot_that_is_unplugged(driven: Driven) -> None:
    terminal = driven.terminal
    driven.bench.command("unplug", arm="robot")
    terminal.expect("robot is lost: .*robot.port")
    terminal.phase("fault")
    terminal.press("a")
    terminal.expect("not now: robot: .*robot.port")
    driven.bench.command("replug", arm="robot")
    terminal.expect("robot is back")
    terminal.press("a")
    terminal.phase("paused")
    driven.holds()
    driven.resumes()
    save(driven)


def test_a_leader_that_is_unplugged_while_it_leads(driven: Driven) -> None:
    terminal = driven.terminal
    driven.takes_over()
    driven.bench.command("unplug", arm="leader")
    terminal.expect("leader is lost: .*leader.port")
    terminal.phase("fault")
    driven.holds()
    driven.bench.command("replug", arm="leader")
    terminal.expect("leader is back")
    terminal.press("a")
    terminal.phase("paused")
    driven.takes_over()
    save(driven)


def test_a_leader_that_is_unplugged_while_the_policy_drives(driven: Driven) -> None:
    """The episode goes on; a takeover waits until the leader is back."""
    terminal = driven.terminal
    driven.bench.command("unplug", arm="leader")
    terminal.expect("leader is lost: .*leader.port")
    driven.moves()
    terminal.press("c")
    terminal.expect("not now: leader: .*leader.port")
    terminal.phase("paused")
    driven.holds()
    driven.bench.command("replug", arm="leader")
    terminal.expect("leader is back")
    driven.takes_over()
    save(driven)


def test_cameras_that_show_nothing_new(driven: Driven) -> None:
    terminal = driven.terminal
    renderer = _renderer(driven.bench)
    os.kill(renderer, signal.SIGSTOP)
    try:
        terminal.expect("(front|wrist) is lost: camera (front|wrist): no new frame within 1 s")
        terminal.phase("paused")
        terminal.press("p")
        terminal.expect("not now: .*(front|wrist): camera (front|wrist): no new frame within 1 s")
        driven.holds()
    finally:
        os.kill(renderer, signal.SIGCONT)
    driven.cameras_are_back()
    driven.resumes()
    save(driven)


def _renderer(bench: Bench) -> int:
    mark = f"hilt_robot_emulated.render\0{bench.folder}\0".encode()
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
