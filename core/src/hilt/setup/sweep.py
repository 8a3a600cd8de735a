"""A sweep: how far each joint was moved, and whether that was all of it. No device and no terminal in here."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from attrs import define, field
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hilt_hooks import JointToCalibrate, Reading

LEAST = 10.0
"""A joint that was moved no further, in its unit, has not been swept."""
MOST_OF_IT = 0.7
"""Which part of what a joint is built for has to be swept before nobody asks."""
HOW = "Move every joint to both ends, in any order.   Enter: done   q: give up"


@define
class Swept:
    """One joint, in its unit, from where it was at the first reading."""

    joint: JointToCalibrate
    now: float = 0.0
    low: float = 0.0
    high: float = 0.0
    answers: bool = False

    def take(self, value: float) -> None:
        self.now, self.low, self.high = value, min(self.low, value), max(self.high, value)

    @property
    def range(self) -> float:
        return self.high - self.low

    @property
    def is_short(self) -> bool:
        """Not swept, or by less than it is built for."""
        return not self.joint.turns and self.range < max(LEAST, MOST_OF_IT * self.joint.about)

    @property
    def is_missing(self) -> bool:
        return not self.joint.turns and self.range < LEAST

    @property
    def remark(self) -> str:
        if not self.answers:
            return "does not answer"
        if self.joint.turns:
            return "zero: next"
        if self.is_missing:
            return "move it"
        if not self.joint.about:
            return "moved"
        return f"of {self.joint.about:.0f}: further?" if self.is_short else "good"


@define
class Sweep:
    joints: Mapping[str, Swept] = field()

    @classmethod
    def of(cls, joints: Iterable[JointToCalibrate]) -> "Sweep":
        return cls({joint.name: Swept(joint) for joint in joints})

    def take(self, reading: Reading) -> None:
        for name, value, fresh in zip(reading.names, reading.values.tolist(), reading.fresh.tolist(), strict=True):
            swept = self.joints[name]
            swept.answers = fresh
            if fresh and np.isfinite(value):
                swept.take(value)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        return {name: (each.low, each.high) for name, each in self.joints.items() if not each.joint.turns}

    @property
    def turning(self) -> Sequence[JointToCalibrate]:
        return [each.joint for each in self.joints.values() if each.joint.turns]

    def missing(self) -> list[str]:
        """What keeps the sweep from being used."""
        return [
            f"{name} has moved by {each.range:.1f} {each.joint.unit} only: move it to both ends. If it was moved, "
            "its motor is set up as another joint, or does not turn with it."
            for name, each in self.joints.items()
            if each.is_missing
        ]

    def short(self) -> list[str]:
        return [
            f"{name}: {each.range:.0f} of about {each.joint.about:.0f} {each.joint.unit}"
            for name, each in self.joints.items()
            if each.is_short and not each.is_missing
        ]

    @property
    def version(self) -> str:
        """Changes with what the table shows."""
        return str([(round(each.now), round(each.low), round(each.high), each.answers) for each in self.joints.values()])

    def table(self, notes: Sequence[str] = ()) -> Group:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("joint")
        for name in ("min", "now", "max"):
            table.add_column(name, justify="right", min_width=4)
        table.add_column("range", justify="right", min_width=8)
        table.add_column("", min_width=16)
        for name, each in self.joints.items():
            ends = ("", f"{each.now:z.0f}", "", "") if each.joint.turns else _cells(each)
            style = "" if each.joint.turns else "yellow" if each.is_short or not each.answers else "green"
            table.add_row(Text(name), *map(Text, ends), Text(each.remark, style))
        return Group(table, Text("\n" + "\n".join(notes)))


def _cells(each: Swept) -> tuple[str, str, str, str]:
    return f"{each.low:z.0f}", f"{each.now:z.0f}", f"{each.high:z.0f}", f"{each.range:.0f} {each.joint.unit}"


def after_enter(sweep: Sweep, asked: str) -> tuple[list[str], str, bool]:
    """What follows when a person says that the sweep is done: notes to show, what is asked now, whether it is over.

    asked: what was asked before, "" at first. Every question is asked once.
    """
    if missing := sweep.missing():
        return [*missing, HOW], "", False
    if not asked and (short := sweep.short()):
        return (
            [f"Not to both ends? {'; '.join(short)}", "Enter: they go no further   or move them on   q: give up"],
            "short",
            False,
        )
    if sweep.turning and asked != "zero":
        return [*(joint.advice for joint in sweep.turning), "Enter: it is there   q: give up"], "zero", False
    return [], asked, True
