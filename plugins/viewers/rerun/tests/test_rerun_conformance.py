"""The conformance kit on a file, and on a viewer that nobody has started."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

if not (find_spec("rerun") and find_spec("hilt_viewer_rerun")):
    pytest.skip("rerun is not installed (500 MB): pip install -e plugins/viewers/rerun", allow_module_level=True)

from rerun.chunk import RrdReader

from hilt_hooks.testing import Check, ViewerRig, check_viewer, conformance
from hilt_viewer_rerun.config import RerunConfig
from hilt_viewer_rerun.plugin import hilt_viewers

(RERUN,) = hilt_viewers()
CURVE = "/joints/shoulder.pos"


def drawn(file: Path) -> int:
    """How many points a curve has."""
    batches = [
        chunk.to_record_batch().to_pydict() for chunk in RrdReader(file).stream().to_chunks() if chunk.entity_path == CURVE
    ]
    return sum(len(batch.get("Scalars:scalars", ())) for batch in batches)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def rig() -> Iterator[ViewerRig]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "session.rrd"
        yield ViewerRig(
            config=RerunConfig(save=file),
            seen=lambda: drawn(file),
            nowhere=RerunConfig(connect=f"rerun+http://127.0.0.1:{free_port()}/proxy"),
        )


@conformance(check_viewer(RERUN, rig, module="hilt_viewer_rerun.plugin"))
def test_rerun(check: Check) -> None:
    check.run()
