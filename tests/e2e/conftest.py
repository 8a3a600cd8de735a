"""Whole sessions as a user starts them: the installed command, the real drivers, the emulated bench."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.importorskip("mujoco", reason="the emulated bench needs mujoco")
