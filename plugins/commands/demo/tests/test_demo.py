"""The demo, for real, at its smallest; and what it says when a step falls short."""

import json
import subprocess
import sys
from pathlib import Path

from hilt_command_demo.cli import Step


def test_the_whole_loop(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    small = ["--demonstrations", "1", "--steps", "2", "--episodes", "1"]
    run = subprocess.run(
        [sys.executable, "-m", "hilt", "demo", "--output-dir", str(out), *small], capture_output=True, text=True, timeout=110
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads((out / "collected/meta/info.json").read_text())["total_episodes"] == 1
    assert (out / "policy/checkpoints/last/pretrained_model/model.safetensors").is_file()
    pages = list((out / "collected/hilt/logs").glob("*/report.html"))
    assert len(pages) == 1
    assert pages[0].as_uri() in run.stdout


def test_a_step_knows_how_many_episodes_there_are(tmp_path: Path) -> None:
    step = Step("record", "", [], tmp_path, 3)
    assert step.made == 0
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/info.json").write_text('{"total_episodes": 2}')
    assert step.made == 2
