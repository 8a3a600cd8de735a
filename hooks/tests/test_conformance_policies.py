"""The kit passes a policy that keeps the rules, and finds each fault of those that do not, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from conformance_results import by_id, failing
from memory_policies import CAPABILITIES, NAMES, NetConfig, policy, write_checkpoint

from hilt_hooks import PolicyDescriptor
from hilt_hooks.testing import Check, NotConforming, NotExercised, PolicyRig, check_policy, conformance
from hilt_hooks.testing.tables import POLICY_RULES

SLOW = {"D01", "P03"}
"""Rules that start a process of their own, each with a test of its own."""


@contextmanager
def rig(names: tuple[str, ...] = NAMES, seed: Callable[[], object] | None = None) -> Iterator[PolicyRig]:
    with TemporaryDirectory() as folder:
        path = write_checkpoint(Path(folder) / "checkpoint", names)
        yield PolicyRig(config=NetConfig(), path=path, seed=seed)


def unnamed() -> AbstractContextManager[PolicyRig]:
    """An old checkpoint, which does not say what its channels are called."""
    return rig(())


def checks(descriptor: PolicyDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_policy(descriptor, make))


@conformance(check_policy(policy(), rig))
def test_correct_policy(check: Check) -> None:
    check.run()


WRONG = [
    ("D06", "OtherArgument"),
    ("D06", "CanUpdate"),
    ("P01", "CachesInInit"),
    ("P01", "ReadsOtherPlace"),
    ("P01", "ThreadInInit"),
    ("P02", "WeightsInInit"),
    ("P04", "NamesAfterLoad"),
    ("P04", "UsesMoreThanItHas"),
    ("P04", "OtherSize"),
    ("P04", "ChannelsFirst"),
    ("P05", "LoadWritesBeside"),
    ("P05", "LoadWritesElsewhere"),
    ("P05", "LooksForNewerWeights"),
    ("P06", "ReadsAgain"),
    ("P07", "BareError"),
    ("P07", "ErrorWithoutPlace"),
    ("P07", "StartsWithoutWeights"),
    ("P08", "TypeErrorUnloaded"),
    ("P08", "ZerosUnloaded"),
    ("P09", "SinglePrecision"),
    ("P09", "BatchDimension"),
    ("P09", "ShorterChunk"),
    ("P09", "OneActionIsNaN"),
    ("P09", "OtherActions"),
    ("P10", "Samples"),
    ("P11", "ResetForgetsNothing"),
    ("P12", "ByPosition"),
    ("P13", "FillsMissing"),
    ("P13", "KeyErrorForState"),
    ("P13", "BlackForMissing"),
    ("P14", "NormalizesInPlace"),
    ("P14", "DrawsOnImage"),
    ("P15", "OneBuffer"),
    ("P15", "GivesItsMemoryAway"),
    ("P20", "IgnoresRemainder"),
    ("P20", "ShiftsRemainder"),
    ("P20", "NeedsRemainder"),
    ("P21", "ScoresInPercent"),
    ("P21", "ScoresAsArray"),
]


@pytest.mark.parametrize(("id", "fault"), WRONG)
def test_wrong_policy_fails_this_rule_and_no_other(id: str, fault: str) -> None:
    found = failing(checks(policy(f"wrong_policies:{fault}")), without=SLOW)
    assert found.keys() == {id}, found


def test_network_library_is_found() -> None:
    with pytest.raises(NotConforming, match="building the policy imports torch"):
        checks(policy("wrong_policies:ImportsInInit"))["P03"].run()


WRONG_DESCRIPTORS = [
    ("D02", {"factory": "wrong_policies:NoSuchClass"}),
    ("D06", {"capabilities": CAPABILITIES | {"update"}}),
    ("D06", {"capabilities": CAPABILITIES | {"torque"}}),
    ("D06", {"capabilities": frozenset({"score"})}),
]


@pytest.mark.parametrize(("id", "change"), WRONG_DESCRIPTORS)
def test_wrong_descriptor_is_found(id: str, change: dict[str, Any]) -> None:
    with pytest.raises(NotConforming):
        checks(evolve(policy(), **change))[id].run()


def test_policy_that_samples_passes_with_a_seed() -> None:
    """Without one, what compares predictions is not tried."""
    sampling = policy("wrong_policies:Samples")
    with pytest.raises(NotExercised, match="seed"):
        checks(sampling)["P11"].run()
    seeded = checks(sampling, lambda: rig(seed=lambda: np.random.seed(1)))
    assert failing(seeded, without=SLOW) == {}


def test_checkpoint_without_names_is_refused_by_size() -> None:
    old = checks(policy(), unnamed)
    assert failing(old, without=SLOW) == {}
    with pytest.raises(NotExercised, match="names fewer than two"):
        old["P12"].run()


def test_capabilities_without_a_check_are_named() -> None:
    updatable = policy("wrong_policies:CanUpdate", CAPABILITIES | {"update"})
    assert failing(checks(updatable), without=SLOW) == {}
    with pytest.raises(NotExercised, match="update"):
        checks(updatable)["D30"].run()


def test_capability_rules_are_only_for_those_who_declare_it() -> None:
    assert {"P20", "P21"} & checks(policy(capabilities=frozenset())).keys() == set()


def test_every_rule_has_a_wrong_policy() -> None:
    ids = [rule.id for rule in POLICY_RULES]
    assert len(ids) == len(set(ids))
    shared = {"D01", "D03", "D04", "D30"}
    assert set(ids) - shared == {id for id, _ in [*WRONG, *WRONG_DESCRIPTORS]} | {"P03"}
