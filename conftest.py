"""For all tests: signals do what they usually do; those in which arms move, or that take long, have the machine to themselves;
which rules of the conformance kit nobody tries is known.
"""

import signal
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest

from hilt_hooks.testing import Check, NotExercised

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
STILL = tuple(
    ROOT / file
    for file in (
        "tests/e2e/test_e2e_bad_input.py",
        "tests/e2e/test_e2e_dry_run.py",
        "tests/e2e/test_e2e_tools.py",
        "tests/plugins/test_isolated_commands.py",
        "tests/plugins/test_isolated_tools.py",
    )
)
"""In these nothing moves."""
UNTRIED = tomllib.loads((ROOT / "tests/conformance/untried.toml").read_text())
TIMED = {"D21", "R04", "R05"}
"""Rules that cannot be tried when the machine pauses for as long as the arm takes to its target."""


def pytest_configure() -> None:
    """Whoever runs the suite in the background, or under nohup, has it ignore these, and every process that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        moves = item.path not in STILL and any(item.path.is_relative_to(folder) for folder in IN_REAL_TIME)
        if moves or item.get_closest_marker("long"):
            item.add_marker("alone")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A rule that cannot be tried is a failure unless UNTRIED says why; so is a reason that does not hold any more."""
    check = item.callspec.params.get("check") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    if not isinstance(check, Check):
        return (yield)
    known = check.id in UNTRIED.get(check.of, ())
    try:
        yield
    except NotExercised as missing:
        if not known and check.id not in TIMED:
            pytest.fail(f"{missing}. Give the rig what it takes, or say in tests/conformance/untried.toml why it cannot be tried")
        raise
    if known:
        pytest.fail(f"{check.of}, {check.id} is tried: take it out of tests/conformance/untried.toml")
