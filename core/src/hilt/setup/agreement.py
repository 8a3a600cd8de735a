"""Whether leader and robot say the same of the same pose. No device and no terminal in here."""

from collections.abc import Mapping, Sequence

from attrs import frozen
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hilt_hooks import ConfigError, Signal

TOLERANCE: Mapping[str, float] = {"deg": 3.0, "%": 5.0}
"""By unit: how far two arms may be apart that a person has laid into the same pose."""
_OTHERWISE = 3.0
_OPPOSITE = 15.0
"""From here on, the same value with another sign is no accident."""


@frozen
class Compared:
    """One channel. leader, robot: what they say; None for one that does not answer."""

    name: str
    unit: str
    leader: float | None = None
    robot: float | None = None

    @property
    def apart(self) -> float | None:
        return None if self.leader is None or self.robot is None else self.leader - self.robot

    @property
    def agrees(self) -> bool:
        return self.apart is not None and abs(self.apart) < TOLERANCE.get(self.unit, _OTHERWISE)

    @property
    def cause(self) -> str:
        """What is likely behind a disagreement, and what to do."""
        if self.leader is None or self.robot is None:
            return "does not answer"
        if abs(self.leader + self.robot) < _OTHERWISE and abs(self.leader) > _OPPOSITE:
            return "it turns the other way on one of the arms: compare how its motor is built in"
        return (
            "if both arms are in the same pose there, one was not moved to both ends when it was calibrated, or its zero was "
            "taken in another pose. Calibrate that arm anew:"
        )


def pair_up(leader: Sequence[Signal], robot: Sequence[Signal]) -> list[Compared]:
    """The channels that both have, in the robot's order. Raises ConfigError if they do not have the same."""
    theirs, ours = {signal.name for signal in leader}, {signal.name for signal in robot}
    if theirs != ours:
        raise ConfigError(f"leader and robot have different channels: {', '.join(sorted(theirs ^ ours))}")
    return [Compared(signal.name, signal.unit) for signal in robot]


def verdict(compared: Sequence[Compared]) -> list[str]:
    """The channels on which the arms disagree, each with its difference; then, for each cause, what to do."""
    causes: dict[str, list[str]] = {}
    for each in compared:
        if not each.agrees:
            causes.setdefault(each.cause, []).append(f"{each.name} ({_number(each.apart, each.unit)})")
    return [f"{', '.join(names)}: {cause}" for cause, names in causes.items()]


def table(compared: Sequence[Compared], note: str) -> Group:
    found = Table(box=None, padding=(0, 2, 0, 0))
    found.add_column("joint")
    for name in ("leader", "robot", "apart"):
        found.add_column(name, justify="right", min_width=9)
    found.add_column("", min_width=9)
    for each in compared:
        numbers = [_number(value, each.unit) for value in (each.leader, each.robot, each.apart)]
        found.add_row(Text(each.name), *map(Text, numbers), _remark(each))
    return Group(found, Text(f"\n{note}"))


def _remark(each: Compared) -> Text:
    if each.apart is None:
        return Text("no answer", "yellow")
    return Text("agrees", "green") if each.agrees else Text("differs", "bold red")


def version(compared: Sequence[Compared]) -> str:
    """Changes with what the table shows."""
    return str([(_number(each.leader, ""), _number(each.robot, "")) for each in compared])


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:z.1f} {unit}"
