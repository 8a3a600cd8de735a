"""The governor: the last word on every command of every source.

A pure function of (state, target, measurement). In order: finite -> joint limits -> no further ahead of the arm than
`max_tracking_error` -> velocity and acceleration from the previous *sent* command -> never further ahead of the arm.

It speeds up no faster than the acceleration limit and slows down along the curve that this limit allows, but it never
goes past a target, a joint limit or a hold: there it stops at once, because stopping is always allowed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, frozen

from hilt_hooks import Floats, Limits, Signal

BLOCKED_S = 0.5
"""How long a joint may fail to follow before the operator is told."""


def _column(limits: Sequence[Limits], name: str) -> Floats:
    return np.array([getattr(limit, name) for limit in limits], dtype=np.float64)


@frozen(eq=False)
class Envelope:
    """What n channels may do, as arrays of shape (n,) in the channels' units."""

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    velocity: Floats
    acceleration: Floats
    tracking: Floats
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, signals: Sequence[Signal], limits: Mapping[str, Limits], max_tracking_error: float) -> "Envelope":
        """signals give the device's own range; limits, by name or "*", what is allowed by default. The tighter one wins."""
        own = [signal.limits for signal in signals]
        given = [limits.get(signal.name, limits.get("*", Limits())) for signal in signals]
        return cls(
            names=tuple(signal.name for signal in signals),
            lower=np.maximum(_column(own, "lower"), _column(given, "lower")),
            upper=np.minimum(_column(own, "upper"), _column(given, "upper")),
            velocity=np.minimum(_column(own, "velocity"), _column(given, "velocity")),
            acceleration=np.minimum(_column(own, "acceleration"), _column(given, "acceleration")),
            tracking=np.minimum(np.minimum(_column(own, "tracking"), _column(given, "tracking")), max_tracking_error),
            reasons=tuple(limit.reason for limit in given),
        )

    def slowed(self, velocity: float) -> "Envelope":
        """The same with no channel faster than `velocity`."""
        return evolve(self, velocity=np.minimum(self.velocity, velocity))


@frozen(eq=False)
class Governed:
    """The state after a command, and what happened to it.

    sent: (n,), what goes to the device. velocity: (n,), of the sent command, per second. blocked_s: (n,), for how long the
    arm has been too far behind. limited: names of the channels that got less than was asked. alarm: "" or a message.
    """

    sent: Floats
    velocity: Floats
    blocked_s: Floats
    limited: tuple[str, ...] = ()
    alarm: str = ""


@frozen(eq=False)
class Governor:
    envelope: Envelope
    period_s: float

    def begin(self, measured: Floats) -> Governed:
        """At rest where the device is."""
        still = np.zeros_like(measured)
        return Governed(sent=measured.copy(), velocity=still, blocked_s=still)

    def stay(self, state: Governed) -> Governed:
        """As it was, at rest: for a device that cannot be sent anything."""
        return evolve(state, velocity=np.zeros_like(state.sent), limited=(), alarm="")

    def hold(self, state: Governed, measured: Floats, alarm: str = "") -> Governed:
        """Stop at once; stay at the last sent target, but no further from the arm than is allowed."""
        return self._towards(state.sent, state.sent, np.zeros_like(state.sent), state, measured, alarm)

    def command(self, state: Governed, target: Floats, measured: Floats) -> Governed:
        """One period towards `target`. A target that is not finite is a hold."""
        bad = ~np.isfinite(target)
        if bad.any():
            culprits = ", ".join(name for name, wrong in zip(self.envelope.names, bad, strict=True) if wrong)
            return self.hold(state, measured, alarm=f"holding: the command for {culprits} is not a finite number")
        wanted = np.clip(target, self.envelope.lower, self.envelope.upper)
        return self._towards(target, wanted, state.velocity, state, measured, "")

    def _towards(
        self, asked: Floats, wanted: Floats, velocity: Floats, state: Governed, measured: Floats, alarm: str
    ) -> Governed:
        measured = np.where(np.isfinite(measured), measured, state.sent)
        low, high = self._reach(state.sent, measured)
        inside = (state.sent >= low) & (state.sent <= high)
        moved = self._approach(state.sent, velocity, np.where(inside, wanted, np.clip(wanted, low, high)))
        sent = np.where(inside, np.clip(moved, low, high), moved)
        return self._judge(state, asked, sent, measured, alarm)

    def _reach(self, sent: Floats, measured: Floats) -> tuple[Floats, Floats]:
        """Around the arm: as far as a target may run ahead, and inside the limits, unless the last command was not."""
        lower, upper = np.minimum(self.envelope.lower, sent), np.maximum(self.envelope.upper, sent)
        tracking = self.envelope.tracking
        return np.clip(measured - tracking, lower, upper), np.clip(measured + tracking, lower, upper)

    def _approach(self, sent: Floats, velocity: Floats, target: Floats) -> Floats:
        """The next command on the way to `target`, under velocity and acceleration."""
        dt, limit = self.period_s, self.envelope
        distance = np.abs(target - sent)
        direction = np.sign(target - sent)
        gain = limit.acceleration * dt
        with np.errstate(invalid="ignore"):
            braking = np.sqrt((gain / 2) ** 2 + 2 * limit.acceleration * distance) - gain / 2
        braking = np.where(np.isfinite(braking), braking, np.inf)
        along = velocity * direction
        most = np.minimum(np.minimum(limit.velocity, distance / dt), np.maximum(along, 0) + gain)
        speed = np.clip(np.maximum(np.minimum(braking, most), along - gain), 0, most)
        arrives = speed * dt >= distance
        moved: Floats = np.where(arrives, target, sent + direction * speed * dt)
        return moved

    def _judge(self, state: Governed, asked: Floats, sent: Floats, measured: Floats, alarm: str) -> Governed:
        allowed = self.envelope.tracking
        behind = np.abs(sent - measured) >= allowed * (1 - 1e-9)
        blocked = np.where(behind, state.blocked_s + self.period_s, 0.0)
        late = blocked >= BLOCKED_S
        if late.any() and not alarm:
            names = ", ".join(
                f"{name} (more than {far:g} from its target)"
                for name, wrong, far in zip(self.envelope.names, late, allowed, strict=True)
                if wrong
            )
            alarm = f"cannot follow for {BLOCKED_S:g} s: {names}"
        less = sent != asked
        limited = tuple(name for name, short in zip(self.envelope.names, less, strict=True) if short) if less.any() else ()
        return Governed(sent, (sent - state.sent) / self.period_s, blocked, limited, alarm)
