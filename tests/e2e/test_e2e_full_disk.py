"""The disk fills up in mid-episode: what was saved stays, the operator is told what to do, the next start recovers."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_driven import driving
from e2e_session import Terminal

from hilt.recording.process import LEAST_FREE
from hilt_robot_emulated.bench import Bench

SPARE, LEFT = 20_000_000, 100_000
"""Bytes on the disk beyond those without which recording does not begin, and what is left of it all in mid-episode."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory. Only the process that keeps it sees it mounted; everybody else comes to it by way of /proc."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    mount = f"mount -t tmpfs -o size={LEAST_FREE + SPARE} tmpfs '{tmp_path}' && echo mounted && read _"
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
