"""The folder that the processes of a session share is too small: one sentence says so, before anything moves."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from e2e_commands import collect, scripted
from e2e_session import ENVIRONMENT, HILT, PATIENCE_S, run_alone
from e2e_wire import Wire

from hilt.ipc.rundir import base
from hilt_robot_emulated.bench import Bench

SMALL = 'mkdir -p "$1" && mount -t tmpfs -o size="$2" tmpfs "$1" && echo mounted && shift 2 && exec "$@"'


def run_in(size: int, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """`hilt COMMAND...` with so many bytes for everything that its processes share. Nobody else sees that."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    line = ["unshare", "--map-root-user", "--mount", "sh", "-c", SMALL, "sh", str(base().with_name("hilt-0")), str(size)]
    ran = run_alone([*line, HILT, *command], PATIENCE_S, env={**ENVIRONMENT, "COLUMNS": "300"})
    if not ran.stdout.startswith("mounted\n"):
        pytest.skip(f"needs user namespaces: {ran.stderr}")
    return ran


@pytest.mark.parametrize(
    ("size", "starts"),
    [(1_000_000, False), (4_500_000, False), (6_300_000, True), (20_000_000, True)],
    ids=["session", "mailboxes", "cameras", "rig"],
)
def test_too_little_shared_memory(bench: Bench, policy: Path, tmp_path: Path, size: int, starts: bool) -> None:
    """Whoever finds that there is no room for what it writes to. starts: other processes do before."""
    with Wire(bench) as wire:
        ran = run_in(size, collect(bench, tmp_path / "dataset", policy, *scripted(bench, "intervene")))
        assert wire.silent
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert re.search(
        r"hilt-0/\S+: a session needs [\d.]+ MB more there, [\d.]+ MB are free; .* --shm-size=1g$", ran.stderr, re.MULTILINE
    )
    assert ("starting recorder, cameras, policy" in ran.stdout) == starts
    assert "Traceback" not in ran.stdout + ran.stderr
