"""The kit passes a processor that keeps the rules, and finds each fault of those that do not, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from conformance_results import by_id, failing
from memory_processors import MEAN, CenterConfig, processor

from hilt_hooks import ProcessorDescriptor, Transition
from hilt_hooks.testing import Check, NotConforming, NotExercised, ProcessorRig, check_processor, conformance
from hilt_hooks.testing.tables import PROCESSOR_RULES

SLOW = {"D01"}

EPISODE = [
    Transition(
        observation={
            "observation.state": np.array([step, 3.0 - step], np.float32),
            "image": np.full((2, 3, 3), step, np.uint8),
        },
        action=np.array([0.5, step], np.float32),
        reward=0.0,
        truncated=step == 2,
        info={"task": "pick", "step": step},
    )
    for step in range(3)
]


@contextmanager
def rig(transitions: Sequence[Transition] = EPISODE) -> Iterator[ProcessorRig]:
    yield ProcessorRig(config=CenterConfig(), state=MEAN, transitions=transitions)


def checks(descriptor: ProcessorDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_processor(descriptor, make))


@conformance(check_processor(processor(), rig))
def test_correct_processor(check: Check) -> None:
    check.run()


WRONG = [
    ("D05", "OpensInInit"),
    ("X01", "RewardAsArray"),
    ("X01", "RewardInSinglePrecision"),
    ("X02", "Terminates"),
    ("X02", "CastsAction"),
    ("X03", "PaysForAction"),
    ("X03", "NeedsTask"),
    ("X03", "RewardsFailureLess"),
    ("X04", "OnlyOwnKeys"),
    ("X04", "TouchesUnknown"),
    ("X05", "CentersInPlace"),
    ("X05", "WritesIntoMapping"),
    ("X06", "OneBuffer"),
    ("X07", "AddsNoise"),
    ("X08", "ResetForgetsNothing"),
    ("X09", "FirstOfAll"),
    ("X10", "KeyErrorForMissing"),
    ("X11", "DoublePrecision"),
    ("X12", "DividesByRange"),
    ("X13", "LosesState"),
    ("X13", "ChangesState"),
    ("X13", "HalfTheState"),
]


@pytest.mark.parametrize(("id", "fault"), WRONG)
def test_wrong_processor_fails_this_rule_and_no_other(id: str, fault: str) -> None:
    found = failing(checks(processor(f"wrong_processors:{fault}")), without=SLOW)
    assert found.keys() == {id}, found


@pytest.mark.parametrize(("id", "fault"), [("D06", "NoReset"), ("X01", "GivesDict")])
def test_what_breaks_other_rules_too_is_said_by_its_own(id: str, fault: str) -> None:
    with pytest.raises(NotConforming):
        checks(processor(f"wrong_processors:{fault}"))[id].run()


WRONG_DESCRIPTORS = [
    ("D02", {"factory": "wrong_processors:NoSuchClass"}),
    ("D06", {"capabilities": frozenset({"torque"})}),
    ("X02", {"writes": ("observation",)}),
    ("X02", {"writes": ("observation", "rewards")}),
    ("X02", {"factory": "wrong_processors:KeepsReward"}),
    ("X03", {"reads": ()}),
    ("X03", {"reads": ("observation", "action")}),
    ("X03", {"reads": ("observations",)}),
]


@pytest.mark.parametrize(("id", "change"), WRONG_DESCRIPTORS)
def test_wrong_declaration_fails_this_rule_and_no_other(id: str, change: dict[str, Any]) -> None:
    if id in ("X02", "X03", "D06"):
        found = failing(checks(evolve(processor(), **change)), without=SLOW)
        assert found.keys() == {id}, found
    with pytest.raises(NotConforming):
        checks(evolve(processor(), **change))[id].run()


def test_one_that_does_not_repeat_itself_is_not_compared() -> None:
    with pytest.raises(NotExercised, match="repeat"):
        checks(processor("wrong_processors:AddsNoise"))["X08"].run()


def test_a_rig_without_transitions_is_a_mistake() -> None:
    with pytest.raises(NotConforming, match="no transitions"):
        checks(processor(), lambda: rig([]))["X01"].run()


def test_every_rule_has_a_wrong_processor() -> None:
    ids = [rule.id for rule in PROCESSOR_RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) - {"D01", "D03", "D04"} == {id for id, _ in [*WRONG, *WRONG_DESCRIPTORS]}
