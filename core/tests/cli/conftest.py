import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[3] / "tests" / "fixtures" / "plugins"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def hilt() -> Run:
    """Run `hilt` in a process of its own, with the named fixture plugins beside those that are installed."""

    def call(*arguments: str, plugins: tuple[str, ...] = ("ok",), **environment: str) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join(str(PLUGINS / name) for name in plugins)
        kept = {key: value for key, value in os.environ.items() if key not in ("HILT_DISABLE", "COLUMNS")}
        return subprocess.run(
            [sys.executable, "-m", "hilt", *arguments],
            env={**kept, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call
