"""The station's data, as `--station` takes it."""

from pathlib import Path
from typing import Any

from hilt.config import read_file


def station() -> dict[str, Any]:
    """Read anew at every start."""
    data, _ = read_file(Path(__file__).with_name("station.yaml"))
    return data
