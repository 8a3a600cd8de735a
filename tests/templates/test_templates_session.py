"""A session of nothing but what came out of the templates: core knows none of it by name."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

POSE = "{'shoulder.pos': 20.0, 'elbow.pos': -30.0, 'wrist.pos': 10.0, 'gripper.pos': 50.0}"
DEVICES = ("--robot.type=acme_arm", "--robot.port=a", "--teleop.type=acme_leader", "--teleop.port=b")
DATASET = ("--dataset.type=csv_files", "--dataset.root=data", "--dataset.single_task=Go", "--dataset.num_episodes=1")


@pytest.fixture
def collect(tmp_path: Path, environment: Mapping[str, str]) -> list[str]:
    """The command line, to be run in `tmp_path`."""
    save = f"from hilt_policy_go_home.checkpoint import save; save('home', {POSE})"
    subprocess.run([sys.executable, "-c", save], env=environment, cwd=tmp_path, check=True)
    os.mkfifo(tmp_path / "buttons")
    inputs = ("--input.type=acme_buttons", "--input.path=buttons")
    return ["hilt", "collect", *DEVICES, *DATASET, *inputs, "--policy.path=home"]


def test_all_fit_together(collect: list[str], run: Callable, tmp_path: Path) -> None:
    ran = run(*collect, "--dry-run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "all is valid" in ran.stderr


@contextmanager
def buttons(fifo: Path) -> Iterator[Callable[[str], None]]:
    """Press one of them. Opened for both, so that it is there before the session is."""
    box = os.open(fifo, os.O_RDWR)
    try:
        yield lambda button: (os.write(box, f"press {button}\nrelease {button}\n".encode()), None)[1]
    finally:
        os.close(box)


def test_an_episode_with_an_intervention(collect: list[str], environment: Mapping[str, str], tmp_path: Path) -> None:
    script = iter([("READY", "green"), ("AUTONOMOUS", "blue"), ("HUMAN", "green"), ("AUTONOMOUS", "green"), ("SAVED", None)])
    said = []
    with (
        buttons(tmp_path / "buttons") as press,
        subprocess.Popen(
            [sys.executable, "-m", *collect],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as session,
    ):
        assert session.stdout is not None
        phase, button = next(script)
        for line in session.stdout:
            said.append(line)
            if f" {phase} " in line:
                if button:
                    press(button)
                phase, button = next(script, ("never", None))
    assert session.returncode == 0, "".join(said)
    assert phase == "never", "".join(said)
    (table,) = (tmp_path / "data" / "episodes").glob("*.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["hilt.success"] for row in rows} == {"success"}
    assert {row["intervention"] for row in rows} == {"True", "False"}
