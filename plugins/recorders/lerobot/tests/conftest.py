"""Fixtures. Helpers that tests import are in lerobot_logs.py, which this file puts on the path."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.recorder import LeRobotRecorder, build

sys.path.insert(0, str(Path(__file__).parent))

from lerobot_logs import GOLDEN, MakeHeader, MakeLog, make_header, write_log


@pytest.fixture
def golden() -> Path:
    if not GOLDEN.is_dir():
        pytest.skip(f"the golden dataset is not at {GOLDEN}")
    return GOLDEN


@pytest.fixture
def header() -> MakeHeader:
    return make_header


@pytest.fixture
def log(tmp_path: Path) -> MakeLog:
    """Write the log of an episode: `log(episode, length=..., task=..., header=..., outcome=..., packets=..., values=...)`."""

    def make(episode: int = 0, **options: Any) -> Path:
        return write_log(tmp_path / "logs", episode, **options)

    return make


@pytest.fixture
def config(tmp_path: Path) -> DatasetConfig:
    return DatasetConfig(repo_id="lab/cubes", root=str(tmp_path / "dataset"), resume=True)


@pytest.fixture
def recorder(config: DatasetConfig) -> LeRobotRecorder:
    return build(config)


@pytest.fixture
def reopened(config: DatasetConfig) -> Callable[..., LeRobotRecorder]:
    """Another recorder for the same dataset, as a later process has it, with changes to its configuration."""
    return lambda **changes: build(evolve(config, **changes))
