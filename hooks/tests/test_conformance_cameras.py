"""The kit passes a camera that keeps the rules, and finds each fault of those that do not by just that rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conformance_results import STATIC, by_id, failing
from memory_camera import SENSORS, CameraConfig, Sensor, camera

from hilt_hooks import CameraDescriptor
from hilt_hooks.testing import CameraRig, Check, NotConforming, NotExercised, Patience, check_camera, conformance
from hilt_hooks.testing.tables import CAMERA_RULES

PATIENCE = Patience(settle_s=0.3, watch_s=0.04, grace_s=0.3)
OF_CAMERAS = {rule.id for rule in CAMERA_RULES if rule.id.startswith("C")}


@contextmanager
def rig() -> Iterator[CameraRig]:
    SENSORS.clear()
    sensor = SENSORS["memory"] = Sensor()
    yield CameraRig(
        config=CameraConfig(address="memory"),
        unplug=sensor.unplug,
        replug=sensor.replug,
        freeze=sensor.freeze,
        captured=sensor.captured,
        absent=CameraConfig(address="elsewhere"),
    )


@contextmanager
def bare_rig() -> Iterator[CameraRig]:
    with rig() as full:
        yield CameraRig(config=full.config)


def checks(descriptor: CameraDescriptor, make: Any = rig) -> dict[str, Check]:
    return by_id(check_camera(descriptor, make, patience=PATIENCE))


def found(factory: str) -> set[str]:
    """The rules that a camera breaks."""
    return set(failing(checks(camera(factory)), without=STATIC))


@conformance(check_camera(camera(), rig, patience=PATIENCE))
def test_correct_camera(check: Check) -> None:
    check.run()


WRONG = {
    "SaysOnlyThatItFailed": {"D18", "C15"},
    "LeavesItsThread": {"D17"},
    "StreamsOnlyConnected": {"C01"},
    "NamesItsOnlyStream": {"C01"},
    "RateOfTheDriver": {"C01"},
    "OtherSize": {"C02"},
    "NotContiguous": {"C02"},
    "NoDepth": {"C02"},
    "SecondsForNanoseconds": {"C02"},
    "CoarseTimes": {"C03"},
    "Backlog": {"C05"},
    "CountsReads": {"C06"},
    "OnItsWayForLong": {"C07"},
    "OneBuffer": {"C08"},
    "ClearsOnDisconnect": {"C08"},
    "WaitsForAFrame": {"C09"},
    "HangsInSilence": {"C10"},
    "SilenceIsLoss": {"C10"},
    "LastFrameForEver": {"C10"},
    "NeverNoticesLoss": {"C11"},
    "LossAsOSError": {"C11"},
    "OldFrameFirst": {"C12"},
    "StaysLost": {"C13"},
    "ForTheMainThread": {"C14"},
    "ListsNothing": {"C15"},
    # Faults that cannot but break several rules:
    "WallClock": {"C04", "C07"},
    "SinceConnect": {"C04", "C05", "C07", "C12"},
    "CountsInCircles": {"C03", "C06"},
    "BacklogStampedWhenRead": {"C06", "C07"},
    "OtherStream": {"C02"},
    "FloatingDepth": {"C01"},
}


AT_TIMES = {"CoarseTimes": {"C12"}}
"""Rules that a fault breaks only when a time is rounded across the instant that they look at."""


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_camera_breaks_just_its_rules(fault: str) -> None:
    assert found(f"wrong_cameras:{fault}") - AT_TIMES.get(fault, set()) == WRONG[fault]


SAID_BY = [
    ("C01", "NoStreams"),
    ("C01", "SameStreamTwice"),
    ("C01", "SizeOnlyConnected"),
    ("C01", "RateOnlyConnected"),
    ("C02", "OtherStream"),
    ("C02", "ImagesAsLists"),
    ("C02", "FloatingImages"),
    ("C08", "SameImage"),
    ("C14", "HangsInAThread"),
]


@pytest.mark.parametrize(("id", "fault"), SAID_BY)
def test_a_fault_is_said_by_the_rule_and_not_by_an_error_on_the_way(id: str, fault: str) -> None:
    with pytest.raises(NotConforming):
        checks(camera(f"wrong_cameras:{fault}"))[id].run()


def test_what_it_cannot_do_at_all_is_found() -> None:
    assert {"D06", "C02"} <= found("wrong_cameras:ReadWithoutTimeout")


def test_every_rule_has_a_wrong_camera() -> None:
    assert {id for ids in WRONG.values() for id in ids} >= OF_CAMERAS


@pytest.mark.parametrize(
    ("id", "missing"), [("C07", "captured"), ("C10", "freeze"), ("C11", "unplug"), ("C13", "replug"), ("C15", "absent")]
)
def test_what_the_rig_cannot_do_is_not_exercised(id: str, missing: str) -> None:
    with pytest.raises(NotExercised, match=missing):
        checks(camera(), bare_rig)[id].run()


@pytest.mark.parametrize(
    ("id", "fault", "seen"),
    [
        ("C01", "RateOfTheDriver", r"fps is 0\.0"),
        ("C05", "Backlog", r"after a pause of the reader, read gives a frame that is 0\.\d+ s old"),
        ("C10", "SilenceIsLoss", "a camera that is silent, but there, raises DeviceLost"),
    ],
)
def test_a_fault_is_told_with_what_was_seen(id: str, fault: str, seen: str) -> None:
    with pytest.raises(NotConforming, match=seen):
        checks(camera(f"wrong_cameras:{fault}"))[id].run()
