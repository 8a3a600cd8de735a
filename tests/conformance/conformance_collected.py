"""A pytest plugin: writes which checks are collected, `{"robot so101_follower": ["D01", ...]}`, to the file CHECKS names."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from hilt_hooks.testing import Check


def pytest_collection_finish(session: pytest.Session) -> None:
    collected: dict[str, list[str]] = defaultdict(list)
    for item in session.items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            for value in item.callspec.params.values():
                if isinstance(value, Check):
                    collected[value.of].append(value.id)
    Path(os.environ["CHECKS"]).write_text(json.dumps(collected))
