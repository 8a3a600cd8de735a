"""The kit passes inputs that keep the rules, and finds each fault of those that do not by just that rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conformance_results import STATIC, by_id, failing
from memory_input import BOXES, Box, ButtonsConfig, buttons

from hilt_hooks import InputDescriptor
from hilt_hooks.testing import Check, InputRig, NotConforming, NotExercised, Patience, check_input, conformance
from hilt_hooks.testing.tables import INPUT_RULES

PATIENCE = Patience(settle_s=0.4, watch_s=0.03, grace_s=0.3)
OF_INPUTS = {rule.id for rule in INPUT_RULES if rule.id.startswith("I")}


@contextmanager
def rig() -> Iterator[InputRig]:
    BOXES.clear()
    box = BOXES["desk"] = Box()
    yield InputRig(
        config=ButtonsConfig(address="desk"),
        tap=box.tap,
        controls=("red", "green", "white"),
        unplug=box.unplug,
        replug=box.replug,
        absent=ButtonsConfig(address="wall"),
    )


@contextmanager
def bare_rig() -> Iterator[InputRig]:
    with rig() as full:
        yield InputRig(config=full.config, tap=full.tap, controls=full.controls)


def checks(descriptor: InputDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_input(descriptor, make, patience=PATIENCE))


def found(descriptor: InputDescriptor) -> set[str]:
    """The rules that an input breaks."""
    return set(failing(checks(descriptor), without=STATIC))


@conformance(check_input(buttons(), rig, patience=PATIENCE))
def test_correct_buttons(check: Check) -> None:
    check.run()


@pytest.mark.parametrize("factory", ["MemoryKeys", "MemoryScript"])
def test_other_correct_inputs(factory: str) -> None:
    assert found(buttons(f"memory_input:{factory}", scripted=factory == "MemoryScript")) == set()


WRONG = {
    "LeavesItsPipe": {"D17"},
    "SaysOnlyThatItFailed": {"D18", "I12"},
    "OtherBindings": {"I01"},
    "BindingsOnlyConnected": {"I01"},
    "MeansNothing": {"I01"},
    "WallClock": {"I02"},
    "Nameless": {"I02"},
    "NeverReleases": {"I03"},
    "ReleasesUnsaid": {"I03"},
    "NewestFirst": {"I04"},
    "WaitsForAnEvent": {"I05"},
    "InventsEvents": {"I05"},
    "AlwaysReadable": {"I06"},
    "NeverReadable": {"I06"},
    "OneEventARead": {"I06"},
    "HearsThePast": {"I07"},
    "NeverNoticesLoss": {"I08"},
    "LossAsOSError": {"I08"},
    "StaysLost": {"I09"},
    "SlowLamp": {"I10"},
    "LampNeedsDevice": {"I10"},
    "LampWithoutEpisode": {"I10"},
    "ListsNothing": {"I12"},
    # Faults that cannot but break several rules:
    "Repeats": {"I03", "I04", "I07"},
    "WordsForEdges": {"I02", "I03", "I04"},
    "CodesForControls": {"I02", "I03", "I04"},
    "ReleasesFirst": {"I03"},
    "OnlyTheNewest": {"I04", "I06"},
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_input_breaks_just_its_rules(fault: str) -> None:
    assert found(buttons(f"wrong_inputs:{fault}")) == WRONG[fault]


@pytest.mark.parametrize(
    ("factory", "scripted"),
    [("memory_input:MemoryScript", False), ("memory_input:MemoryButtons", True), ("wrong_inputs:TrustsEveryRobot", True)],
)
def test_script_in_disguise_is_found(factory: str, scripted: bool) -> None:
    assert found(buttons(factory, scripted)) == {"I11"}


def test_what_it_cannot_do_at_all_is_found() -> None:
    assert {"D06", "I02"} <= found(buttons("wrong_inputs:ReadsOneDevice"))


def test_every_rule_has_a_wrong_input() -> None:
    assert {id for ids in WRONG.values() for id in ids} | {"I11"} >= OF_INPUTS


@pytest.mark.parametrize(("id", "missing"), [("I08", "unplug"), ("I09", "replug"), ("I12", "absent")])
def test_what_the_rig_cannot_do_is_not_exercised(id: str, missing: str) -> None:
    with pytest.raises(NotExercised, match=missing):
        checks(buttons(), bare_rig)[id].run()


def test_what_a_device_need_not_have_is_not_exercised() -> None:
    keys = checks(buttons("memory_input:MemoryKeys"))
    for id, why in (("I06", "fileno is None"), ("I10", "shows no phases")):
        with pytest.raises(NotExercised, match=why):
            keys[id].run()


def test_a_fault_is_told_with_what_was_seen() -> None:
    with pytest.raises(NotConforming, match=r"pressed was white\+ red\+ green\+ .*, and it says green\+ red\+ white\+"):
        checks(buttons("wrong_inputs:NewestFirst"))["I04"].run()
