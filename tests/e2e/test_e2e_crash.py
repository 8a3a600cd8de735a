"""Two hundred kills at random instants: nothing that was called saved is lost, and every start recovers by itself."""

import json
import sys
from pathlib import Path

import pytest
from e2e_session import run_alone

ROOT = Path(__file__).parents[2]
KILLS = 200
PROCESSES = {"session", "rig", "filters", "recorder", "compaction", "cameras", "policy", "observers", "all"}


@pytest.mark.long
@pytest.mark.timeout(3 * 60 * 60)
def test_killed_at_random_instants(tmp_path: Path) -> None:
    """On a machine that others keep busy there is no verdict on seconds of the running episode; on all else there is."""
    output = tmp_path / "crash.json"
    command = [sys.executable, "-m", "benchmarks.crash", f"--kills={KILLS}", f"--json={output}"]
    done = run_alone(command, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(output.read_text())
    assert content["kills"] == KILLS
    assert content["saved_episodes"] > KILLS
    assert all(content[measured] > 0 for measured in ("hold_kills", "power_cuts", "running_episodes")), content
    assert set(content["by_process"]) == PROCESSES
    assert content["saved_episodes_lost"] == 0, content["lost"]
    assert content["starts_refused"] == 0, content["refused"]
    assert content["datasets_wrong"] == 0, content["wrong"]
    assert content["verdict"] != "missed", content["checks"]
