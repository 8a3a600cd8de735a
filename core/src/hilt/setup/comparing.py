"""Laying leader and robot into the same pose, both limp, and reading them."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import evolve

from hilt.setup import agreement, disagreement
from hilt.setup.agreement import Compared
from hilt.setup.dialogue import ENTER, Dialogue, Standing
from hilt.setup.parts import Subject
from hilt_hooks import Reading

_READ_NS = 50_000_000
_HOW = "Enter: this is the same pose   q: leave the comparison"
_AGAIN = "If they were not in the same pose, compare them again:"


def compare(leader: Subject, robot: Subject, talk: Dialogue, standing: Standing) -> bool:
    """Whether they agree. Both are limp afterwards, and not connected. Raises ConnectError, DeviceLost."""
    both = (leader, robot)
    talk.say("\nDo leader and robot agree?", "bold")
    try:
        for each in both:
            each.device.connect()
            _let_go(each, talk, standing)
        compared = _watch(leader.device, robot.device, talk)
    finally:
        for each in both:
            each.device.disconnect()
    if compared is None:
        talk.say("Not compared.")
        return False
    lines = agreement.verdict(compared)
    sweeps = [f"hilt calibrate --mode=sweep {each.flags}" for each in both]
    again = f"hilt calibrate --mode=check {robot.flags} {leader.flags}"
    disagreement.note(leader.device, robot.device, [*lines, *sweeps, _AGAIN, again] if lines else [])
    if not lines:
        talk.say("Leader and robot agree on every joint.", "green")
        return True
    talk.say("Leader and robot do not agree; until they do, no session lets one lead the other:", "bold red")
    for line in lines:
        talk.say(f"  {line}")
    for command in sweeps:
        talk.command(command)
    talk.say(f"  {_AGAIN}")
    talk.command(again)
    return False


def _let_go(each: Subject, talk: Dialogue, standing: Standing) -> None:
    """A hand has to be able to move it."""
    if "torque" not in each.capabilities or each.device.torque() is False:
        return
    talk.say(f"{each.name} is stiff. To be moved by hand it has to go limp: WHAT IT HOLDS UP FALLS. Hold it.", "bold yellow")
    talk.ask("", {"": "I hold it, let it go"})
    standing.now = f"{standing.now}; {each.name} may be limp"
    each.device.set_torque(False)


def _watch(leader: Any, robot: Any, talk: Dialogue) -> Sequence[Compared] | None:
    """What both said when the person said that this is it; None if the comparison is left."""
    talk.say("Lay both into the same pose, by hand: best where both rest against the same stops, grippers closed.")
    compared = agreement.pair_up(leader.action_signals, robot.observation_signals)
    with talk.watching() as screen:
        while True:
            until_ns = time.monotonic_ns() + _READ_NS
            compared = _read(compared, leader.read(until_ns), robot.read(until_ns + _READ_NS))
            screen.show(partial(agreement.table, compared, _HOW), agreement.version(compared))
            match screen.key():
                case "q":
                    return None
                case key if key == ENTER and all(each.apart is not None for each in compared):
                    return compared


def _read(compared: Sequence[Compared], leader: Reading, robot: Reading) -> list[Compared]:
    """What both say now: an arm that does not answer any more is not compared by what it said before."""
    leads, acts = _fresh(leader), _fresh(robot)
    return [evolve(each, leader=leads.get(each.name), robot=acts.get(each.name)) for each in compared]


def _fresh(reading: Reading) -> dict[str, float]:
    return {
        name: value
        for name, value, fresh in zip(reading.names, reading.values.tolist(), reading.fresh.tolist(), strict=True)
        if fresh
    }
