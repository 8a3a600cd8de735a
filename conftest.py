"""For all tests: signals do what they usually do; those in which arms move, or that take long, have the machine to themselves."""

import signal
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


def pytest_configure() -> None:
    """Whoever runs the suite in the background, or under nohup, has it ignore these, and every process that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") or any(item.path.is_relative_to(folder) for folder in IN_REAL_TIME):
            item.add_marker("alone")
