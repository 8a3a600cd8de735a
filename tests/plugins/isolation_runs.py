"""Running `hilt` with the fixture plugins, or without them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
ALL = tuple(sorted(folder.name for folder in PLUGINS.iterdir() if folder.is_dir() and folder.name != "damaged"))
"""All but one: metadata that nobody can read is too much for torch, which looks for extensions of its own."""

HEALTHY = ("ok", "stereo", "taken", "tools")
"""Those that add device types: what is listed of these is there without the others, too."""

BROKEN = (
    "fixture-annotation",
    "fixture-contract",
    "fixture-exits",
    "fixture-fields",
    "fixture-importerror",
    "fixture-lister",
    "fixture-returns",
    "fixture-signature",
)
"""Those that cannot be loaded. The others go wrong later, or not at all."""

MOVE = """
episode:
  - hand: align
  - press: start
  - wait: human
  - hand: home
  - press: stop
reset:
  - press: next
"""
"""What the scripted operator does: the arm is moved by hand, and nothing is recorded."""

Ran = subprocess.CompletedProcess[str]


def hilt(arguments: Sequence[str], *, plugins: Sequence[str] = ALL, timeout_s: float = 100, **environment: str) -> Ran:
    """`hilt ARGUMENTS...` to its end, with the named fixture plugins beside what is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "HILT_DISABLE"}
    path = os.pathsep.join(str(PLUGINS / name) for name in plugins)
    settings = {"PYTHONPATH": path, "COLUMNS": "160", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "hilt", *arguments],
        env=kept | settings | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=timeout_s,
    )


def told(stderr: str) -> list[str]:
    """The plugins that are said to be broken, in the order in which they are."""
    return [line.split()[2] for line in stderr.splitlines() if line.startswith("hilt: plugin ") and " is broken: " in line]


def besides(stderr: str) -> list[str]:
    """What else there is on stderr."""
    return [line for line in stderr.splitlines() if not line.startswith("hilt: plugin ")]
