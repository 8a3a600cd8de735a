"""A session of nothing but what came out of the templates: core knows none of it by name."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from attrs import frozen

POSE = {"shoulder.pos": 20.0, "elbow.pos": -30.0, "wrist.pos": 10.0, "gripper.pos": 50.0}
DEVICES = ("--robot.type=acme_arm", "--robot.port=a", "--teleop.type=acme_leader", "--teleop.port=b")
DATASET = (
    "--dataset.type=csv_files",
    "--dataset.root=data",
    "--dataset.single_task=Go",
    "--dataset.num_episodes=2",
    "--dataset.episode_time_s=1",
)
BUTTONS = ("--input.type=acme_buttons", "--input.path=buttons", "--input.bindings={black: success}")


@pytest.fixture
def collect(tmp_path: Path, environment: Mapping[str, str]) -> list[str]:
    """The command line, to be run in `tmp_path`."""
    save = f"from hilt_policy_go_home.checkpoint import save; save('home', {POSE})"
    subprocess.run([sys.executable, "-c", save], env=environment, cwd=tmp_path, check=True)
    os.mkfifo(tmp_path / "buttons")
    return ["hilt", "collect", *DEVICES, *DATASET, *BUTTONS, "--policy.path=home"]


@frozen
class Session:
    process: "subprocess.Popen[str]"
    box: int

    def press(self, button: str) -> None:
        os.write(self.box, f"press {button}\nrelease {button}\n".encode())

    def wait_for(self, text: str) -> None:
        """Until the session says so."""
        said = []
        for line in self.process.stdout or ():
            said.append(line)
            if text in line:
                return
        pytest.fail(f"the session ended and never said {text!r}, but:\n{''.join(said)}")


@pytest.fixture
def session(collect: list[str], environment: Mapping[str, str], tmp_path: Path) -> Iterator[Session]:
    # Opened for both, for then it can be opened before the session reads.
    box = os.open(tmp_path / "buttons", os.O_RDWR)
    process = subprocess.Popen(
        [sys.executable, "-m", *collect],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        yield Session(process, box)
        process.terminate()
    os.close(box)


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_fit_together(collect: list[str], run: Callable, tmp_path: Path) -> None:
    ran = run(*collect, "--dry-run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "dry run: valid" in ran.stderr


def test_the_policy_drives_and_a_person_takes_over(session: Session, tmp_path: Path) -> None:
    session.wait_for(" READY ")
    session.press("green")
    session.wait_for(" RESET ")
    session.press("green")
    session.wait_for(" READY ")
    session.press("green")
    session.wait_for(" AUTONOMOUS ")
    session.press("blue")
    session.wait_for("time is up")
    session.press("black")
    session.wait_for("episodes: 2")
    assert session.process.wait(60) == 0
    driven, taken_over = map(rows, sorted((tmp_path / "data" / "episodes").glob("*.csv")))
    assert {row["intervention"] for row in driven} == {"False"}
    for name, target in POSE.items():
        start, end = (float(row[f"observation.state.{name}"]) for row in (driven[0], driven[-1]))
        assert abs(target - end) < abs(target - start) - 5, f"{name} went from {start} to {end}"
    assert sum(row["intervention"] == "True" for row in taken_over) >= 20
    assert {row["hilt.success"] for row in taken_over} == {"success"}
