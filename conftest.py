"""Which tests have the machine to themselves: those in which arms move in real time, and whatever takes long."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
IN_REAL_TIME = tuple(
    ROOT / folder
    for folder in (
        "plugins/commands/demo",
        "plugins/motors",
        "plugins/robots/emulated",
        "tests/benchmarks",
        "tests/e2e",
        "tests/plugins",
        "tests/rig",
        "tests/templates",
    )
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") or any(item.path.is_relative_to(folder) for folder in IN_REAL_TIME):
            item.add_marker("alone")
