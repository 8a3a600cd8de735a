"""The measurements run and write what they promise. Nothing here judges a time."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from e2e_session import run_alone

ROOT = Path(__file__).parents[2]
QUICK_OPERATOR = """
episode:
  - hand: align
  - press: start
  - wait: autonomous
  - sleep: 0.5
  - press: pause
  - wait: paused
  - sleep: 0.3
  - hand: hold
  - press: takeover
  - wait: human
  - sleep: 0.3
  - press: resume
  - wait: autonomous
  - sleep: 0.5
  - press: success
reset:
  - press: next
"""


def run(name: str, output: Path, *arguments: str, once: tuple[str, ...] = ("--runs=1",)) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *once, f"--json={output}", *arguments]
    done = run_alone(command, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    content: dict[str, Any] = json.loads(output.read_text())
    assert name in done.stdout
    assert content["benchmark"] == name
    assert content["verdict"] in ("met", "missed", "no verdict")
    assert 0.0 <= content["others_cpu"] <= 1.0
    assert len(content["runs"]) == 1
    return content


def assert_times(values: Mapping[str, float]) -> None:
    assert set(values) == {"p50", "p99", "max"}
    assert all(math.isfinite(value) for value in values.values())
    assert values["p50"] <= values["p99"] <= values["max"]


def test_cli(tmp_path: Path) -> None:
    content = run("cli", tmp_path / "cli.json", "--rounds=2")
    assert content["help_ratio"] > 0
    assert content["plugins_ratio"] > 0


def test_feetech(tmp_path: Path) -> None:
    content = run("feetech", tmp_path / "feetech.json", "--blocks=1")
    assert all(content[name] > 0 for name in ("cpu_ms", "wall_ms", "sdk_cpu_ms"))
    assert content["cpu_ratio"] == pytest.approx(content["cpu_ms"] / content["sdk_cpu_ms"])


def test_governor(tmp_path: Path) -> None:
    content = run("governor", tmp_path / "governor.json", "--commands=1000", "--jobs=1", "--first=1", once=())
    assert content["commands"] >= 1000
    assert content["violations"] == 0, content["examples"]
    assert content["us_per_command"] > 0


def test_tick(tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="the emulated bench needs mujoco")
    script = tmp_path / "operator.yaml"
    script.write_text(QUICK_OPERATOR)
    content = run("tick", tmp_path / "tick.json", "--episodes=1", f"--script={script}")
    assert_times(content["lateness_ms"])
    assert_times(content["control_ms"])
    assert content["largest_gap_ms"] > 0
    assert content["ticks"] > 90
    assert {"autonomous", "paused", "human"} <= set(content["phases"])


def test_faults(tmp_path: Path) -> None:
    """A record and a collect session on a bad bus. Ten minutes of it: python -m benchmarks.faults."""
    pytest.importorskip("mujoco", reason="the emulated bench needs mujoco")
    arguments = ("--minutes=0.01", "--every=4", "--episodes=1")
    content = run("faults", tmp_path / "faults.json", *arguments, once=())
    assert content["aborted_episodes"] == content["steps_over_limit"] == 0, content["aborted"]
    assert content["sessions"] == content["episodes"] == 2
    assert content["outages_in_data"] > 0
    assert content["gaps_marked"] == content["gaps"], content["unmarked"]


def test_crash(tmp_path: Path) -> None:
    """More of it in tests/e2e/test_e2e_crash.py."""
    pytest.importorskip("mujoco", reason="the emulated bench needs mujoco")
    content = run("crash", tmp_path / "crash.json", "--kills=1", "--seed=31", once=())
    assert content["kills"] == 1
    assert content["saved_episodes_lost"] == content["starts_refused"] == content["datasets_wrong"] == 0, content
    assert math.isfinite(content["running_lost_s_max"])
    for group in ("by_process", "by_signal", "by_moment"):
        assert [each["kills"] for each in content[group].values()] == [1]
