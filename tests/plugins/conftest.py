"""Every broken plugin of the fixtures, installed at once."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "e2e")]

if TYPE_CHECKING:
    from hilt_robot_emulated.bench import Bench


@pytest.fixture(scope="module")
def bench() -> "Iterator[Bench]":
    """Two arms without cameras, shared by the tests of a module."""
    from hilt_robot_emulated.bench import Bench

    with Bench.start(cameras={}, seed=1) as bench:
        yield bench


@pytest.fixture(scope="module")
def cameras() -> "Iterator[Bench]":
    """A bench with the cameras that `policy` wants."""
    from e2e_checkpoint import SIZE

    from hilt_robot_emulated.bench import Bench
    from hilt_robot_emulated.settings import View

    view = View(width=SIZE[1], height=SIZE[0], fps=30.0)
    with Bench.start(cameras={"front": view}, seed=1) as bench:
        yield bench


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that fits `cameras`."""
    from e2e_checkpoint import write_policy

    return write_policy(tmp_path_factory.mktemp("policy"), ("front",))
