"""Waiting for what another process or thread does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 40.0
T = TypeVar("T")


def soon(ask: Callable[[], T | None]) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)
    return answer
