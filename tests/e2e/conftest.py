"""Whole sessions as a user starts them: the installed command, the real drivers, the emulated bench."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # they find the processes of a session in /proc
sys.path.insert(0, str(Path(__file__).parent))

from e2e_checkpoint import SIZE, write_policy
from e2e_driven import Driven, driving

from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.settings import View

CAMERAS = ("front", "wrist")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Two arms and two small cameras, shared by the tests of a module."""
    view = View(width=SIZE[1], height=SIZE[0], fps=30.0)
    with Bench.start(cameras=dict.fromkeys(CAMERAS, view), seed=1) as bench:
        yield bench


@pytest.fixture(scope="module")
def arms() -> Iterator[Bench]:
    """A bench without cameras."""
    with Bench.start(cameras={}, seed=1) as bench:
        yield bench


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that fits `bench`."""
    return write_policy(tmp_path_factory.mktemp("policy"), CAMERAS)


@pytest.fixture
def driven(bench: Bench, policy: Path, tmp_path: Path) -> Iterator[Driven]:
    """By the policy, in mid-episode. Afterwards the bench is as it was."""
    with driving(bench, policy, tmp_path / "dataset") as session:
        yield session
    bench.hand.release()
    for arm in ("robot", "leader"):
        bench.command("replug", arm=arm)
