import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from log_samples import HEADER, STARTED_NS, fill

from hilt.ipc.messages import Outcome
from hilt.log import EpisodeWriter


@pytest.fixture
def writer(tmp_path: Path) -> EpisodeWriter:
    return EpisodeWriter(tmp_path / "episode-000003.mcap", HEADER, episode=3, task="pick", started_ns=STARTED_NS)


@pytest.fixture
def part(writer: EpisodeWriter) -> Path:
    """The log of ten rows, as a killed process leaves it."""
    fill(writer, 10)
    writer.flush()
    writer.abandon()
    return writer.path.with_name(writer.path.name + ".part")


@pytest.fixture
def finished(writer: EpisodeWriter) -> Path:
    fill(writer, 10)
    return writer.close(Outcome(saved=True, success=True))
