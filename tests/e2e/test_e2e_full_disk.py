"""A disk that is full at the start, and one that fills up in mid-episode: the operator is told what to do, nothing is lost."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_commands import record, scripted
from e2e_driven import driving
from e2e_session import Terminal, run
from e2e_wire import Wire

from hilt.recording.process import LEAST_FREE
from hilt_robot_emulated.bench import Bench

SPARE, LEFT = 20_000_000, 100_000
"""Bytes on the disk beyond those without which recording does not begin, and what is left of it all in mid-episode."""


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system in memory, SPARE bytes larger than LEAST_FREE, or as many as the test says.

    Only the process that keeps it sees it mounted; everybody else comes to it by way of /proc.
    """
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    size = LEAST_FREE + getattr(request, "param", SPARE)
    mount = f"mount -t tmpfs -o size={size} tmpfs '{tmp_path}' && echo mounted && read _"
    with subprocess.Popen(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mount],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as keeper:
        assert keeper.stdout is not None
        if (said := keeper.stdout.readline().strip()) != "mounted":
            pytest.skip(f"needs user namespaces: {said}")
        yield Path(f"/proc/{keeper.pid}/root{tmp_path}")


def fill(disk: Path) -> Path:
    """Take what there is but for LEFT, while others write too; gives the file to delete."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while (free := shutil.disk_usage(disk).free) > LEFT:
            file.write(bytes(min(free - LEFT, 1_000_000)))
    return filler


def wrapped(pattern: str) -> str:
    """Wherever the terminal begins a new line."""
    return pattern.replace(" ", r"\s+")


@pytest.mark.parametrize("small_disk", [-1_000_000], indirect=True)
def test_a_disk_that_is_full_at_the_start(bench: Bench, small_disk: Path) -> None:
    with Wire(bench) as wire:
        ran = run(record(bench, small_disk / "dataset", *scripted(bench, "demonstrate")))
        assert wire.silent
    assert ran.returncode == 2
    assert re.search(r"^hilt: \S+: \d+ MB are left on this disk; free at least 100 MB$", ran.stderr, re.MULTILINE)
    assert "READY" not in ran.stdout


def test_a_disk_that_fills_up(bench: Bench, policy: Path, small_disk: Path) -> None:
    with driving(bench, policy, small_disk / "dataset") as session:
        terminal = session.terminal
        session.records()
        session.saves()
        terminal.press("right")
        terminal.phase("ready")
        session.starts()
        filler = fill(small_disk)
        terminal.expect(wrapped("recorder: the disk is full: free some space. What was recorded until then is kept"))
        terminal.phase("reset")
        session.holds()
        terminal.expect(wrapped(r"recorder: \S+: \d MB are left on this disk; free at least 100 MB"))
        terminal.press("right")
        terminal.phase("ready")
        terminal.press("enter")
        terminal.expect(wrapped(r"not now: recorder: \S+: \d MB are left on this disk; free at least 100 MB"))
        terminal.leave()
        assert re.search(wrapped("the next (start|session) with this dataset"), terminal.text)
        assert "Traceback" not in terminal.text
    filler.unlink()
    with Terminal([*session.command, "--dataset.resume=true"]) as again:
        again.phase("ready")
        assert again.leave() == 0
    first, second = session.kept()
    assert min(first, second) >= 5
