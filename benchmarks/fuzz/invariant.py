"""What must hold of every goal packet on a bus, from the design's text and in plain numbers. Nothing of the rig is used here.

complete      the packet has a goal for every servo, and every goal is in the calibrated range
told          it is what the tick says was sent, to the nearest encoder step; where that is outside the calibrated range, which
              "limits" allows only for a joint that was found there, it is the end of the range. A gripper that is spared may get
              another goal: what the driver may do then is judged by the witness
finite        what was sent is a number
limits        it is within the joint limits, or no further outside than before
velocity      it is no further from the goal before than the velocity limit allows in one period, however long ago that was
acceleration  it is faster than the step before by no more than the acceleration limit allows in one period; slowing down is free
tracking      it is within reach of the measured pose, or no further from it than the goal before
target        every joint moves towards its own target, or the joint limit before it, and not past it; without a target it stays,
              but for coming into reach
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EXACT = 1e-7
"""Of a unit: what sums of floating-point numbers may be off."""
_SHOWN = 5


@frozen(eq=False)
class Bounds:
    """What n joints may do, in units of their channels, each (n,). ids: their servos. steps: the ends of the calibrated range.

    gain, offset: value = gain * steps + offset.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]
    steps: tuple[Floats, Floats]
    gain: Floats
    offset: Floats
    lower: Floats
    upper: Floats
    velocity: Floats
    acceleration: Floats
    tracking: Floats

    def values(self, steps: Mapping[int, int]) -> Floats:
        """NaN for a servo that is not there."""
        return np.array([steps.get(id, np.nan) for id in self.ids]) * self.gain + self.offset

    def exact_steps(self, values: Floats) -> Floats:
        """Not rounded. Values of any number of commands, (..., n)."""
        return np.clip((values - self.offset) / self.gain, *self.steps)


@frozen(eq=False)
class Command:
    """A goal packet that a governor answers for; vectors are (n,) in the order of the bounds.

    wire: goals by servo id, in steps, as they were sent. told: what the tick says was sent. before: the goals until then, and
    step: how they differed from those before them. measured: what the governor knew of the pose. targets: where the source,
    or the last filter, wants the joints, or several points between which that is; none for a hold. slowest: a tighter
    velocity limit.
    """

    k: int
    wire: Mapping[int, int]
    told: Floats
    before: Floats
    step: Floats
    measured: Floats
    targets: tuple[Floats, ...]
    slowest: float = np.inf


@frozen
class Violation:
    rule: str
    k: int
    detail: str


@frozen(eq=False)
class Verdict:
    """commands: how many were checked. counts: violations by rule. examples: the first of each."""

    commands: int
    counts: Mapping[str, int]
    examples: Sequence[Violation]

    @classmethod
    def of(cls, commands: int, violations: Sequence[Violation]) -> "Verdict":
        counts = Counter(violation.rule for violation in violations)
        firsts = [each for rule in counts for each in [v for v in violations if v.rule == rule][:_SHOWN]]
        return cls(commands, dict(counts), firsts)


def check(bounds: Bounds, period_s: float, commands: Sequence[Command]) -> list[Violation]:
    """Everything in which `commands` break the invariant, in order."""
    if not commands:
        return []
    told, before, step, measured = (
        np.array([getattr(each, name) for each in commands]) for name in ("told", "before", "step", "measured")
    )
    moved = told - before
    with np.errstate(invalid="ignore"):
        broken = {
            "finite": ~np.isfinite(told),
            **_on_the_wire(bounds, commands, told),
            "limits": (told < np.minimum(bounds.lower, before) - _EXACT) | (told > np.maximum(bounds.upper, before) + _EXACT),
            **_motion(bounds, period_s, commands, moved, step),
            "tracking": (abs(told - measured) > bounds.tracking + _EXACT)
            & (abs(told - measured) > abs(before - measured) + _EXACT),
            "target": _astray(bounds, commands, told, before, measured),
        }
    return [
        _violation(rule, bounds.names[joint], commands[row], joint)
        for rule, where in broken.items()
        for row, joint in np.argwhere(where).tolist()
    ]


def _on_the_wire(bounds: Bounds, commands: Sequence[Command], told: Floats) -> dict[str, NDArray[np.bool_]]:
    arrived = np.array([[each.wire.get(id, np.nan) for id in bounds.ids] for each in commands])
    surplus = np.array([[bool(each.wire.keys() - set(bounds.ids))] for each in commands])
    inside = (arrived >= bounds.steps[0]) & (arrived <= bounds.steps[1])
    return {"complete": ~inside | surplus, "told": ~(abs(arrived - bounds.exact_steps(told)) <= 0.5 + 1e-6)}


def _motion(
    bounds: Bounds, period_s: float, commands: Sequence[Command], moved: Floats, step: Floats
) -> dict[str, NDArray[np.bool_]]:
    slowest = np.array([[each.slowest] for each in commands])
    farthest = np.minimum(bounds.velocity, slowest) * period_s
    onwards = np.where(moved * step > 0, abs(step), 0.0)
    faster = bounds.acceleration * period_s**2
    return {"velocity": ~(abs(moved) <= farthest + _EXACT), "acceleration": ~(abs(moved) <= onwards + faster + _EXACT)}


def _astray(bounds: Bounds, commands: Sequence[Command], told: Floats, before: Floats, measured: Floats) -> NDArray[np.bool_]:
    most = max(len(each.targets) for each in commands)
    nowhere = np.full(len(bounds.names), np.nan)
    ends = [before]
    for index in range(most):
        targets = np.array([each.targets[index] if len(each.targets) > index else nowhere for each in commands])
        ends.append(np.where(np.isfinite(targets), np.clip(targets, bounds.lower, bounds.upper), before))
    low, high = measured - bounds.tracking, measured + bounds.tracking
    outside = (before < low) | (before > high)
    near = [np.where(outside, np.clip(end, low, high), end) for end in ends]
    lowest, highest = np.minimum(np.min(near, axis=0), before), np.maximum(np.max(near, axis=0), before)
    astray: NDArray[np.bool_] = ~((told >= lowest - _EXACT) & (told <= highest + _EXACT))
    return astray


def _violation(rule: str, name: str, command: Command, joint: int) -> Violation:
    told, before, step = command.told[joint], command.before[joint], command.step[joint]
    targets = ", ".join(f"{target[joint]:g}" for target in command.targets) or "a hold"
    return Violation(
        rule,
        command.k,
        f"{name}: {told:.6f} after {before:.6f} (step before {step:.6f}), measured {command.measured[joint]:.4f}, "
        f"wanted {targets}, on the bus {dict(command.wire)}",
    )
