"""Which rig holds which arm, and how it is made to let go of its port."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hilt.ipc import rundir
from hilt.session.crew import relieve_orphans
from hilt_hooks import ConnectError

NOBODY = 4194999
"""No process has such a number."""
RIG = """
import signal, sys
from pathlib import Path
from hilt.ipc.rundir import note_rig

note_rig(Path(sys.argv[1]), {"/dev/a"})
print("noted", flush=True)
signal.pause()
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(rundir, "base", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def start(base: Path) -> Iterator[Start]:
    """Starts a process that is in a folder what a rig is."""
    with ExitStack() as stack:

        def start(folder: str) -> "subprocess.Popen[str]":
            (base / folder).mkdir()
            line = [sys.executable, "-c", RIG, str(base / folder)]
            rig = stack.enter_context(subprocess.Popen(line, stdout=subprocess.PIPE, text=True))
            stack.callback(rig.kill)
            assert rig.stdout is not None
            assert rig.stdout.readline() == "noted\n"
            return rig

        yield start


def test_arms_are_told_by_what_they_open() -> None:
    robot = {"type": "pair", "left_arm_config": {"port": "/dev/a", "retries": 2}, "right_arm_config": {"port": "/dev/b"}}
    assert rundir.addresses({"robot": robot, "teleop": {"port": "/dev/c"}}) == {"/dev/a", "/dev/b", "/dev/c"}
    without = {"robot": {"type": "x", "ip": "10.0.0.1"}, "teleop": None}
    assert rundir.addresses(without) == rundir.addresses(dict(reversed(without.items())))


def test_a_rig_whose_session_is_gone_is_found_by_any_of_its_ports(base: Path) -> None:
    mine, gone = base / f"{os.getpid()}-a", base / f"{NOBODY}-b"
    for folder in (mine, gone):
        folder.mkdir()
        rundir.note_rig(folder, {"/dev/a", "/dev/b"})
    assert [note.pid for note in rundir.orphans({"/dev/b", "/dev/z"})] == [os.getpid()]
    assert list(rundir.orphans({"/dev/z"})) == []


def test_a_rig_whose_session_is_gone_is_ended(start: Start) -> None:
    rig = start(f"{NOBODY}-a")
    assert list(relieve_orphans({"/dev/z"})) == []
    assert list(relieve_orphans({"/dev/a"})) == [rig.pid]
    assert rig.wait() == -signal.SIGTERM


def test_a_process_that_has_the_number_of_a_rig_is_left_alone(start: Start, base: Path) -> None:
    """And the folder of that rig may go."""
    innocent, ended = start(f"{os.getpid()}-a"), start(f"{NOBODY}-b")
    ended.kill()
    ended.wait()
    note = base / f"{NOBODY}-b" / rundir.RIG
    note.write_text(json.dumps(json.loads(note.read_text()) | {"pid": innocent.pid}))
    assert list(relieve_orphans({"/dev/a"})) == []
    assert innocent.poll() is None
    rundir.create()
    assert not note.exists()


def test_a_rig_that_does_not_end_is_not_taken_over_from(start: Start) -> None:
    rig = start(f"{NOBODY}-a")
    rig.send_signal(signal.SIGSTOP)
    os.waitpid(rig.pid, os.WUNTRACED)  # of signals that wait together, the one to end comes first
    with pytest.raises(ConnectError, match=rf"process {rig.pid}, .* \(kill -9 {rig.pid}\)"):
        list(relieve_orphans({"/dev/a"}))
