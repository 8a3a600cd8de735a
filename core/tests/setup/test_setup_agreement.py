"""Whether two arms say the same, and what is said of it."""

from io import StringIO

import pytest
from rich.console import Console

from hilt.setup.agreement import Compared, pair_up, table, verdict
from hilt_hooks import ConfigError, Signal


@pytest.mark.parametrize(
    ("unit", "leader", "robot", "agrees"),
    [
        ("deg", 10.0, 12.9, True),
        ("deg", 10.0, 13.1, False),
        ("%", 0.0, 4.9, True),
        ("%", 0.0, -5.1, False),
        ("rad", 0, 3.1, False),
    ],
)
def test_each_unit_has_its_tolerance(unit: str, leader: float, robot: float, agrees: bool) -> None:
    assert Compared("pan.pos", unit, leader, robot).agrees is agrees


def test_before_both_have_spoken_nothing_agrees() -> None:
    assert not Compared("pan.pos", "deg", leader=0.0).agrees
    assert verdict([Compared("pan.pos", "deg", leader=0.0)]) == ["pan.pos (-): does not answer"]


def test_joints_with_the_same_cause_are_told_together() -> None:
    lines = verdict(
        [
            Compared("pan.pos", "deg", 20.0, 0.0),
            Compared("lift.pos", "deg", 1.0, 0.0),
            Compared("roll.pos", "deg", -50.0, 50.0),
            Compared("grip.pos", "%", 20.0, 0.0),
        ]
    )
    assert len(lines) == 2
    assert lines[0].startswith("pan.pos (20.0 deg), grip.pos (20.0 %): if both arms are in the same pose")
    assert lines[1].startswith("roll.pos (-100.0 deg): it turns the other way")


def test_channels_are_matched_by_name() -> None:
    pan, lift = Signal("pan.pos", "deg"), Signal("lift.pos", "deg")
    assert [each.name for each in pair_up([lift, pan], [pan, lift])] == ["pan.pos", "lift.pos"]
    with pytest.raises(ConfigError, match=r"different channels: lift\.pos"):
        pair_up([pan], [pan, lift])


def test_a_name_and_a_unit_are_shown_as_they_are() -> None:
    console = Console(file=StringIO(), width=100)
    console.print(table([Compared("[left] pan", "[mm]", 2.0, 1.0)], ""))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[left] pan" in shown
    assert "2.0 [mm]" in shown
