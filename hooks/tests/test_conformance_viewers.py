"""The kit passes a viewer that keeps the rules, and finds each fault of those that do not by just that rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conformance_results import STATIC, by_id, failing
from memory_viewer import SCREENS, Screen, ScreenConfig, viewer

from hilt_hooks import ViewerDescriptor
from hilt_hooks.testing import Check, NotConforming, NotExercised, ViewerPatience, ViewerRig, check_viewer, conformance
from hilt_hooks.testing.tables import VIEWER_RULES

PATIENCE = ViewerPatience(open_s=0.3, show_s=0.3, close_s=0.3, lost_s=0.3, grace_s=0.3)
OF_VIEWERS = {rule.id for rule in VIEWER_RULES if rule.id.startswith("V")}


@contextmanager
def rig() -> Iterator[ViewerRig]:
    SCREENS.clear()
    screen = SCREENS["wall"] = Screen()
    yield ViewerRig(
        config=ScreenConfig(address="wall"),
        seen=screen.count,
        leave=screen.switch_off,
        nowhere=ScreenConfig(address="cellar"),
    )


@contextmanager
def bare_rig() -> Iterator[ViewerRig]:
    with rig() as full:
        yield ViewerRig(config=full.config)


def checks(descriptor: ViewerDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_viewer(descriptor, make, patience=PATIENCE))


def found(factory: str) -> set[str]:
    """The rules that a viewer breaks."""
    return set(failing(checks(viewer(factory)), without=STATIC))


@conformance(check_viewer(viewer(), rig, patience=PATIENCE))
def test_correct_viewer(check: Check) -> None:
    check.run()


WRONG = {
    "NeedsEveryImage": {"V01", "V07"},
    "KnowsSomePhases": {"V01", "V02", "V07"},
    "NeedsACamera": {"V02"},
    "ClosesOnce": {"V03"},
    "LeavesItsThread": {"V04"},
    "LeavesItsFile": {"V04"},
    "TalksToNobody": {"V05"},
    "NowhereAsOSError": {"V05"},
    "NeverNoticesLeaving": {"V06"},
    "LeavingAsOSError": {"V06"},
    "NeverFlushes": {"V07"},
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_viewer_breaks_just_its_rules(fault: str) -> None:
    assert found(f"wrong_viewers:{fault}") == WRONG[fault]


@pytest.mark.parametrize("fault", ["DrawsIntoTheImage", "ForTheMainThread", "HangsInDepth"])
def test_what_breaks_every_showing_is_found(fault: str) -> None:
    assert "V01" in found(f"wrong_viewers:{fault}")


def test_what_it_cannot_do_at_all_is_found() -> None:
    assert {"D06", "V01"} <= found("wrong_viewers:ShowsWords")


def test_every_rule_has_a_wrong_viewer() -> None:
    assert {id for ids in WRONG.values() for id in ids} >= OF_VIEWERS


@pytest.mark.parametrize(("id", "missing"), [("V05", "nowhere"), ("V06", "leave"), ("V07", "seen")])
def test_what_the_rig_cannot_do_is_not_exercised(id: str, missing: str) -> None:
    with pytest.raises(NotExercised, match=missing):
        checks(viewer(), bare_rig)[id].run()


def test_a_viewer_that_hangs_does_not_hang_the_tests() -> None:
    with pytest.raises(NotConforming, match=r"still in `show` after 0\.3 s"):
        checks(viewer("wrong_viewers:HangsInDepth"))["V01"].run()
