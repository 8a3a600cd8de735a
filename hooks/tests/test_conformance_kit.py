"""The kit passes devices that keep the rules, and finds each fault of those that do not."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import memory_devices
import pytest
from attrs import evolve
from conformance_results import by_id
from memory_devices import CAPABILITIES, NAMES, WORLDS, ArmConfig, World, leader, robot

from hilt_hooks import CAPABILITIES as PROTOCOLS
from hilt_hooks import HiltError, Limits, RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.testing import Check, Motion, NotConforming, NotExercised, Rig, check_robot, check_teleoperator, conformance

MOTION = Motion(settle_s=2.0, watch_s=0.15)


@contextmanager
def rig(config: Any = None) -> Iterator[Rig]:
    world = WORLDS["memory"] = World()
    yield Rig(config=config or ArmConfig(port="memory"), unplug=world.unplug, mute=world.mute, pose=world.where)


@contextmanager
def bare_rig() -> Iterator[Rig]:
    with rig() as full:
        yield Rig(config=full.config)


def robot_checks(descriptor: RobotDescriptor, **given: Any) -> dict[str, Check]:
    given = {"make": rig, "motion": MOTION} | given
    return by_id(check_robot(descriptor, **given))


def leader_checks(descriptor: TeleoperatorDescriptor, robot_actions: Sequence[str] | None = NAMES) -> dict[str, Check]:
    return by_id(check_teleoperator(descriptor, rig, motion=MOTION, robot_actions=robot_actions))


@conformance(check_robot(robot(), rig, motion=MOTION))
def test_correct_robot(check: Check) -> None:
    check.run()


@conformance(check_teleoperator(leader(), rig, motion=MOTION, robot_actions=NAMES))
def test_correct_leader(check: Check) -> None:
    check.run()


WRONG_ROBOTS = [
    ("D05", "OpensInInit"),
    ("D05", "ThreadInInit"),
    ("D06", "NoTorqueReadBack"),
    ("D06", "OtherSignature"),
    ("D06", "MethodForProperty"),
    ("D06", "CanDamp"),
    ("D07", "NoUnit"),
    ("D07", "SameNameTwice"),
    ("D07", "SignalsOnlyConnected"),
    ("D07", "NoSignals"),
    ("D07", "UnitOnlyConnected"),
    ("D07", "SlashInName"),
    ("D07", "AllInOneSignal"),
    ("D08", "NoRange"),
    ("D08", "UpsideDownRange"),
    ("D09", "ForgetsChannel"),
    ("D09", "SinglePrecision"),
    ("D09", "NamesAnother"),
    ("D09", "ChannelTwice"),
    ("D09", "ValuesAsList"),
    ("D09", "ValuesAsColumn"),
    ("D09", "TimesInSeconds"),
    ("D09", "FreshAsNumbers"),
    ("D09", "FreshNaN"),
    ("D10", "WallClock"),
    ("D10", "TimeOfConnect"),
    ("D10", "TimesGoBack"),
    ("D10", "NeverHasATime"),
    ("D11", "StaleAsFresh"),
    ("D11", "ZeroForStale"),
    ("D11", "OtherOrderWhenStale"),
    ("D11", "NewTimeForStale"),
    ("D11", "IgnoresDeadline"),
    ("D12", "NeverNoticesLoss"),
    ("D12", "LossAsOSError"),
    ("D12", "DisconnectNeedsDevice"),
    ("D13", "LossAsOSError"),
    ("D13", "WriteLossAsOSError"),
    ("D13", "LossWithoutAWord"),
    ("D14", "SecondConnectBreaks"),
    ("D15", "DisconnectOnce"),
    ("D15", "OneConnect"),
    ("D16", "BareConnectError"),
    ("D16", "ConnectsToNothing"),
    ("D17", "LeavesFileOpen"),
    ("D17", "LeavesThread"),
    ("D18", "SaysOnlyThatItFailed"),
    ("D20", "TorqueLies"),
    ("D21", "TorqueOnToOldTarget"),
    ("D22", "DisconnectDropsArm"),
    ("D22", "ConnectMakesStiff"),
    ("D23", "NumbersInIdentity"),
    ("D23", "SaysNothingOfItself"),
    ("D24", "CurrentsNotFinite"),
    ("D24", "CurrentsWithOtherNames"),
    ("D25", "EmptyDiagnosis"),
    ("D25", "NumbersInDiagnosis"),
    ("D26", "EventsAsNumbers"),
    ("D27", "PathAsText"),
    ("D27", "CalibratedAsNumber"),
    ("D27", "SaysCalibratedAnyway"),
    ("D28", "ParksOutside"),
    ("D29", "ChainOfOthers"),
    ("D31", "KeepsAnyRange"),
    ("D32", "KnowsNoMotor"),
    ("D33", "WarnsInOneText"),
    ("D33", "AsksToWarn"),
    ("R01", "ByPosition"),
    ("R02", "SurplusIgnored"),
    ("R02", "KeyErrorForNames"),
    ("R03", "SendsThenChecks"),
    ("R03", "AcceptsNaN"),
    ("R04", "HoldsOldTarget"),
    ("R05", "HoldsOldTargetWhenLimp"),
    ("R05", "HoldStaysLimp"),
]
WRONG_LEADERS = [
    ("T01", "OtherNames"),
    ("T02", "MirrorsNothing"),
    ("T02", "MirrorsOneChannelShort"),
    ("T03", "MirrorTakesTorqueBack"),
    ("T03", "MirrorOnlyStiffens"),
    ("T04", "MirrorAcceptsAnything"),
]


@pytest.mark.parametrize(("id", "fault"), WRONG_ROBOTS)
def test_wrong_robot_is_found(id: str, fault: str) -> None:
    check = robot_checks(robot(f"wrong_devices:{fault}"))[id]
    with pytest.raises((NotConforming, HiltError, OSError, RuntimeError)):
        check.run()


@pytest.mark.parametrize(("id", "fault"), WRONG_LEADERS)
def test_wrong_leader_is_found(id: str, fault: str) -> None:
    check = leader_checks(leader(f"wrong_devices:{fault}"))[id]
    with pytest.raises(NotConforming):
        check.run()


WRONG_DESCRIPTORS = [
    ("D02", {"factory": "wrong_devices"}),
    ("D02", {"factory": "wrong_devices:NoSuchClass"}),
    ("D02", {"factory": "no_such_module:build"}),
    ("D02", {"emulator": "wrong_devices:NoSuchClass"}),
    ("D02", {"summary": " "}),
    ("D06", {"capabilities": CAPABILITIES | {"damp"}}),
    ("D06", {"capabilities": CAPABILITIES | {"fly"}}),
    ("D06", {"capabilities": CAPABILITIES - {"park"}}),
    ("D08", {"limits": {}}),
    ("D08", {"limits": memory_devices.LIMITS | {"elbo.pos": Limits(velocity=90)}}),
    ("D08", {"limits": {"*": Limits(velocity=180, reason="no acceleration")}}),
    ("D08", {"limits": {"*": Limits(velocity=180, acceleration=900)}}),
]


@pytest.mark.parametrize(("id", "change"), WRONG_DESCRIPTORS)
def test_wrong_descriptor_is_found(id: str, change: dict[str, Any]) -> None:
    with pytest.raises(NotConforming):
        robot_checks(evolve(robot(), **change))[id].run()


WRONG_CONFIGS = [("D03", "NoHelp"), ("D03", "DefaultOutside"), ("D04", "ChangesItself"), ("D19", "StaysAtHome")]


@pytest.mark.parametrize(("id", "name"), WRONG_CONFIGS)
def test_wrong_config_is_found(id: str, name: str) -> None:
    import wrong_devices

    config = getattr(wrong_devices, name)
    checks = robot_checks(evolve(robot(), config=config), make=lambda: rig(config()))
    with pytest.raises(NotConforming):
        checks[id].run()


def test_heavy_descriptor_is_found() -> None:
    with pytest.raises(NotConforming, match=r"heavy_descriptor brings in serial"):
        robot_checks(robot(), module="heavy_descriptor")["D01"].run()


def test_failing_descriptor_is_found() -> None:
    with pytest.raises(NotConforming, match="No module named 'no_such_module'"):
        robot_checks(robot(), module="no_such_module")["D01"].run()


@pytest.mark.parametrize(("id", "missing"), [("D11", "mute"), ("D12", "unplug"), ("D13", "unplug"), ("D16", "unplug")])
def test_what_the_rig_cannot_do_is_not_exercised(id: str, missing: str) -> None:
    with pytest.raises(NotExercised, match=missing):
        robot_checks(robot(), make=bare_rig)[id].run()


def test_pose_falls_back_on_the_device() -> None:
    robot_checks(robot(), make=bare_rig)["R01"].run()


def test_names_need_a_robot_to_compare() -> None:
    with pytest.raises(NotExercised, match="robot_actions"):
        leader_checks(leader(), None)["T01"].run()


def test_arm_that_is_too_fast_for_the_step_is_not_exercised() -> None:
    with pytest.raises(NotExercised, match="larger"):
        robot_checks(robot(), motion=evolve(MOTION, step=0.5))["R05"].run()


def test_capabilities_without_a_check_are_named() -> None:
    with pytest.raises(NotExercised, match="damp"):
        robot_checks(robot(capabilities=CAPABILITIES | {"damp"}))["D30"].run()


def test_capability_rules_are_only_for_those_who_declare_it() -> None:
    assert {"D20", "R05"} & robot_checks(robot(capabilities=frozenset())).keys() == set()
    assert {"D20", "R05"} <= robot_checks(robot()).keys()


def test_checked_capabilities_exist() -> None:
    from hilt_hooks.testing.capability_rules import CHECKED

    assert CHECKED.issubset(PROTOCOLS)


def test_ids_are_unique_and_every_rule_has_a_wrong_device() -> None:
    from hilt_hooks.testing.tables import DEVICE_RULES, ROBOT_RULES, TELEOPERATOR_RULES

    ids = [rule.id for rule in DEVICE_RULES + ROBOT_RULES + TELEOPERATOR_RULES]
    assert len(ids) == len(set(ids))
    seeded = {id for id, _ in [*WRONG_ROBOTS, *WRONG_LEADERS, *WRONG_DESCRIPTORS, *WRONG_CONFIGS]} | {"D01"}
    assert set(ids) - seeded == {"D30"}, "D30 never fails: it says what was not exercised"


def test_exemption_needs_a_reason_and_a_check() -> None:
    checks = list(check_robot(robot(), rig))
    with pytest.raises(ValueError, match="without a reason: R01"):
        conformance(checks, {"R01": " "})
    with pytest.raises(ValueError, match="not run here: R99"):
        conformance(checks, {"R99": "no such check"})


PLUGIN_TEST = """
from hilt_hooks.testing import Check, NotConforming, NotExercised, conformance

def broken(): raise NotConforming("moved by +3.00")
def untried(): raise NotExercised("the rig has no mute")
def fine(): pass

@conformance([Check("A1", "fails", broken), Check("A2", "exempt", broken), Check("A3", "not tried", untried),
              Check("A4", "exempt in vain", fine), Check("A5", "passes", fine)],
             exemptions={"A2": "no brake", "A4": "out of date"})
def test_it(check): check.run()
"""


def test_results_in_pytest(tmp_path: Path) -> None:
    """A failure fails, an exemption is an xfail with its reason, one too many fails, what was not tried is skipped."""
    (tmp_path / "test_plugin.py").write_text(PLUGIN_TEST)
    command = [sys.executable, "-m", "pytest", "-rxs", "--tb=short", "-p", "no:cacheprovider", "test_plugin.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 failed, 1 passed, 1 skipped, 1 xfailed" in done.stdout
    for line in ("test_it[A1-fails]", "moved by +3.00", "A2 exempt: no brake", "the rig has no mute"):
        assert line in done.stdout
