"""Real sessions on the bench: the arm does not move without the safety filters that it was to have."""

from pathlib import Path

import pytest
from e2e_commands import scripted, teleoperate
from e2e_wire import Wire
from isolation_runs import MOVE, Ran, hilt

from hilt_robot_emulated.bench import Bench

FRAGILE = """
import multiprocessing
from hilt_hooks import Vector, hookimpl

assert multiprocessing.parent_process() is None, "no fence in here"

@hookimpl
def hilt_filter_action(target: Vector) -> Vector:
    return target
"""
"""A filter that loads for the command, and for none of its processes."""


@pytest.fixture
def command(bench: Bench, tmp_path: Path) -> list[str]:
    script = tmp_path / "operator.yaml"
    script.write_text(MOVE)
    return teleoperate(bench, *scripted(bench, str(script)))


@pytest.fixture
def fragile(tmp_path: Path) -> str:
    """Installed; where."""
    info = tmp_path / "fragile" / "fragile-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hilt]\nlab-fence = hilt_test_fragile\n")
    (info.parent / "hilt_test_fragile.py").write_text(FRAGILE)
    return str(info.parent)


def refused(bench: Bench, command: list[str], *plugins: str, **environment: str) -> Ran:
    with Wire(bench) as wire:
        ran = hilt(command, plugins=plugins, **environment)
        assert ran.returncode == 2, ran.stdout + ran.stderr
        assert wire.silent
    return ran


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_filter_that_the_rig_does_not_find(bench: Bench, command: list[str], fragile: str) -> None:
    ran = refused(bench, command, fragile)
    assert (
        "the safety filters changed while the session started: they were lab-fence (fragile), and the rig finds none "
        "(lab-fence is broken: AssertionError: no fence in here)"
    ) in words(ran.stdout + ran.stderr)


@pytest.mark.parametrize(
    ("disable", "why"),
    [("", "it is broken (it is made for hilt-hooks>=9,<10 ("), ("fixture-contract", "it is left out by HILT_DISABLE")],
)
def test_a_named_filter_that_is_not_loaded(bench: Bench, command: list[str], disable: str, why: str) -> None:
    named = [*command, "--filters=[fixture-ok, fixture-contract]"]
    ran = refused(bench, named, "ok", "contract", HILT_DISABLE=disable)
    assert f"hilt: filters[1]: the arm does not move without the filter of 'fixture-contract': {why}" in ran.stderr


def test_named_filters_that_are_loaded(command: list[str]) -> None:
    named = [*command, "--filters=[fixture-ok]"]
    dry, ran = (hilt([*named, *more], plugins=["ok", "contract"]) for more in (["--dry-run"], []))
    assert (dry.returncode, ran.returncode) == (0, 0), ran.stdout + ran.stderr
    assert "filters fixture-ok (hilt-fixture-ok)" in words(dry.stdout)
    assert "moves without it" not in ran.stdout + dry.stdout


def test_where_none_is_named_a_broken_plugin_is_told(command: list[str]) -> None:
    for more in ([], ["--dry-run"]):
        ran = hilt([*command, *more], plugins=["contract"])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "broken plugins: fixture-contract; if one has a safety filter, the arm moves without it" in words(ran.stdout)
    assert "moves without it" not in hilt(command, plugins=[]).stdout
