"""What is made of the readings of a sweep."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from hilt.setup.sweep import Sweep, after_enter
from hilt_hooks import JointToCalibrate, Reading

PAN = JointToCalibrate(name="pan", about=200)
GRIP = JointToCalibrate(name="grip")
ROLL = JointToCalibrate(name="roll", turns=True, advice="turn roll half way")


def reading(fresh: bool = True, **values: float) -> Reading:
    count = len(values)
    return Reading(tuple(values), np.array(list(values.values())), np.ones(count, dtype=np.int64), np.full(count, fresh))


def swept(*rows: dict[str, float]) -> Sweep:
    sweep = Sweep.of([PAN, GRIP, ROLL])
    for row in rows:
        sweep.take(reading(**row))
    return sweep


WHOLE = ({"pan": -95, "grip": 0, "roll": 0}, {"pan": 95, "grip": 60, "roll": 300})


def test_ranges_go_as_far_as_a_joint_was_seen_and_leave_out_those_that_turn() -> None:
    assert swept(*WHOLE, {"pan": 3, "grip": 30, "roll": 9}).ranges == {"pan": (-95, 95), "grip": (0, 60)}


def test_what_did_not_answer_changes_nothing_and_is_shown() -> None:
    sweep = swept(*WHOLE)
    sweep.take(reading(fresh=False, pan=999, grip=999, roll=999))
    assert sweep.ranges == {"pan": (-95, 95), "grip": (0, 60)}
    assert {each.remark for each in sweep.joints.values()} == {"does not answer"}


@pytest.mark.parametrize(
    ("row", "remarks"),
    [
        ({"pan": 5, "grip": 5, "roll": 0}, ["move it", "move it", "zero: next"]),
        ({"pan": 100, "grip": 50, "roll": 0}, ["of 200: further?", "moved", "zero: next"]),
        ({"pan": 150, "grip": 50, "roll": 0}, ["good", "moved", "zero: next"]),
    ],
)
def test_every_joint_says_what_it_lacks(row: dict[str, float], remarks: list[str]) -> None:
    assert [each.remark for each in swept(row).joints.values()] == remarks


def test_enter_is_refused_as_long_as_a_joint_has_not_moved() -> None:
    notes, asked, done = after_enter(swept({"pan": 150, "grip": 2, "roll": 0}), "")
    assert notes[0].startswith("grip has moved by 2.0 deg only")
    assert (asked, done) == ("", False)


def test_enter_asks_once_about_a_short_range_and_once_for_the_zero() -> None:
    sweep = swept({"pan": 100, "grip": 50, "roll": 0})
    notes, asked, done = after_enter(sweep, "")
    assert notes[0] == "Not to both ends? pan: 100 of about 200 deg"
    assert not done
    notes, asked, done = after_enter(sweep, asked)
    assert notes[0] == "turn roll half way"
    assert not done
    assert after_enter(sweep, asked)[2]


def test_without_joints_that_turn_a_whole_sweep_is_over_at_once() -> None:
    sweep = Sweep.of([PAN])
    sweep.take(reading(pan=190))
    assert after_enter(sweep, "")[2]


def test_a_name_and_a_unit_are_shown_as_they_are() -> None:
    console = Console(file=StringIO(), width=100)
    console.print(Sweep.of([JointToCalibrate(name="[left] pan", unit="[mm]")]).table())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[left] pan" in shown
    assert "0 [mm]" in shown
