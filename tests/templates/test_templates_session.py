"""A session of nothing but what came out of the templates: core knows none of it by name."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NoReturn

import pytest

POSE = {"shoulder.pos": 20.0, "elbow.pos": -30.0, "wrist.pos": 10.0, "gripper.pos": 50.0}
DEVICES = ("--robot.type=acme_arm", "--robot.port=a", "--teleop.type=acme_leader", "--teleop.port=b")
DATASET = (
    "--dataset.type=csv_files",
    "--dataset.root=data",
    "--dataset.single_task=Go",
    "--dataset.num_episodes=2",
    "--dataset.episode_time_s=2",
)
BUTTONS = ("--input.type=acme_buttons", "--input.path=buttons", "--input.bindings={black: success}")

PHASE = re.compile(r" *[\d.]+ s  ([A-Z]+) ")
GO_ON = {"READY": "green", "RESET": "green", "PAUSED": "green", "FAULT": "blue"}
"""Phase -> button. On a busy machine the arm may hold until somebody has looked, which is no fault of the templates."""
TAKE_OVER = {"AUTONOMOUS": "blue", "PAUSED": "blue"}
PATIENCE_S = 40.0
ENDS_S = 30.0


@pytest.fixture
def collect(tmp_path: Path, environment: Mapping[str, str]) -> list[str]:
    """The command line, to be run in `tmp_path`."""
    save = f"from hilt_policy_go_home.checkpoint import save; save('home', {POSE})"
    subprocess.run([sys.executable, "-c", save], env=environment, cwd=tmp_path, check=True)
    os.mkfifo(tmp_path / "buttons")
    return ["hilt", "collect", *DEVICES, *DATASET, *BUTTONS, "--policy.path=home"]


class Session:
    """A session, and a person who reads what it says and has a box with buttons."""

    def __init__(self, process: "subprocess.Popen[str]", box: int) -> None:
        self.process, self._box = process, box
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._said: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """With all its processes, whatever they do."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_S)
        with suppress(ProcessLookupError):  # all have ended, as they should
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reader.join()

    def press(self, button: str) -> None:
        os.write(self._box, f"press {button}\nrelease {button}\n".encode())

    def operate(self, buttons: Mapping[str, str], *, until: str) -> None:
        """Press what each phase calls for as it begins, until the session says something. buttons: phase -> button."""
        while until not in (line := self._next(until)):
            begins = PHASE.match(line)
            if begins and (button := buttons.get(begins[1])):
                self.press(button)

    def _next(self, awaited: str) -> str:
        """A line. Fails with all that was said once the session has ended, or says nothing for too long."""
        try:
            line = self._lines.get(timeout=PATIENCE_S)
        except Empty:
            self._fail(f"is silent for {PATIENCE_S:g} s", awaited)
        if not line:
            self._fail("has ended", awaited)
        self._said.append(line)
        return line

    def _fail(self, what: str, awaited: str) -> NoReturn:
        pytest.fail(f"the session {what} and has not said {awaited!r}, but:\n{''.join(self._said)}")

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put("")


@pytest.fixture
def session(collect: list[str], environment: Mapping[str, str], tmp_path: Path) -> Iterator[Session]:
    # Opened for both, for then it can be opened before the session reads.
    box = os.open(tmp_path / "buttons", os.O_RDWR)
    process = subprocess.Popen(
        [sys.executable, "-m", *collect],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,  # on a terminal it would ask before it ends
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        session = Session(process, box)
        yield session
        session.end()
    os.close(box)


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_fit_together(collect: list[str], run: Callable, tmp_path: Path) -> None:
    ran = run(*collect, "--dry-run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "dry run: valid" in ran.stderr


def test_the_policy_drives_and_a_person_takes_over(session: Session, tmp_path: Path) -> None:
    session.operate(GO_ON, until="episode 0: ended")
    session.operate(GO_ON | TAKE_OVER, until="the episode's time is up")
    session.press("black")
    session.operate({}, until="episodes: 2")
    assert session.process.wait(ENDS_S) == 0
    driven, taken_over = map(rows, sorted((tmp_path / "data" / "episodes").glob("*.csv")))
    assert {row["intervention"] for row in driven} == {"False"}
    for name, target in POSE.items():
        start, end = (float(row[f"observation.state.{name}"]) for row in (driven[0], driven[-1]))
        assert abs(target - end) < abs(target - start) - 5, f"{name} went from {start} to {end}"
    assert taken_over[-1]["intervention"] == "True"
    assert {row["hilt.success"] for row in taken_over} == {"success"}
