"""The bench of an arm: a robot or teleoperator on its emulator, and what the checks do with it."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from attrs import field, frozen

from hilt_hooks.descriptors import RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.errors import DeviceLost
from hilt_hooks.signals import Limits, Reading, Signal, Vector, names_of
from hilt_hooks.testing.bench import DeviceBench, DeviceCase, Patience
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect


@frozen(kw_only=True)
class Rig:
    """What the author of a driver provides, once for every check: a config whose device lives on a fresh emulator.

    unplug: take the connection away for good. mute: let the device stop answering while the connection stays.
    pose: where the emulated arm really is, by action channel and in its unit. A check that needs a handle which is None
    is not exercised, or falls back on what the device itself says.
    """

    config: Any
    unplug: Callable[[], None] | None = None
    mute: Callable[[], None] | None = None
    pose: Callable[[], Mapping[str, float]] | None = None


MakeRig = Callable[[], AbstractContextManager[Rig]]


@frozen(kw_only=True)
class Motion(Patience):
    """How the checks move a device and how long they look. step, tolerance: in the unit of the channels.

    settle_s: how long a motion of one step may take. watch_s: how long an arm that must not move is watched.
    deadline_s: what `read` is given. grace_s: how much later it may come back on a busy machine.
    """

    step: float = 20.0
    tolerance: float = 1.5
    deadline_s: float = 0.05


@frozen(kw_only=True)
class Case(DeviceCase[Rig, "Bench"]):
    descriptor: RobotDescriptor | TeleoperatorDescriptor
    patience: Motion = field(factory=Motion)
    robot_actions: tuple[str, ...] | None = None

    @property
    def motion(self) -> Motion:
        return self.patience

    def place(self, rig: Rig, device: Any) -> "Bench":
        return Bench(self, rig, device)

    def limits(self, signal: Signal) -> Limits | None:
        """What the descriptor allows on this channel, if it says anything about it."""
        return self.descriptor.limits.get(signal.name, self.descriptor.limits.get("*"))

    def signals_read(self, device: Any) -> tuple[Signal, ...]:
        """What `read` gives: a robot declares it apart from its actions, a teleoperator gives its actions."""
        robot = isinstance(self.descriptor, RobotDescriptor)
        return tuple(device.observation_signals if robot else device.action_signals)


@frozen
class Bench(DeviceBench[Case, Rig]):
    def works(self) -> None:
        self.complete()

    @property
    def action_names(self) -> tuple[str, ...]:
        return names_of(self.device.action_signals)

    def has(self, capability: str) -> bool:
        return capability in self.case.descriptor.capabilities

    def deadline_ns(self) -> int:
        return time.monotonic_ns() + int(self.case.motion.deadline_s * 1e9)

    def read(self) -> Reading:
        reading: Reading = self.device.read(self.deadline_ns())
        return reading

    def complete(self) -> Reading:
        """The next reading in which every value is fresh."""
        for _ in self.until(self.case.motion.settle_s):
            reading = self.read()
            if reading.complete:
                return reading
        stale = [name for name, fresh in zip(reading.names, reading.fresh, strict=True) if not fresh]
        raise NotConforming(f"no reading was complete within {self.case.motion.settle_s:g} s; never fresh: {', '.join(stale)}")

    def pose(self) -> Vector:
        """Where the arm is: what the emulator says, or else the device. Ordered like the action signals."""
        said = Vector.of(self.rig.pose()) if self.rig.pose else self.complete().vector
        absent = [name for name in self.action_names if name not in said.names]
        if absent:
            raise NotExercised(f"no pose is known for {', '.join(absent)}: give the rig a `pose`")
        known = said.as_dict()
        return Vector.of({name: known[name] for name in self.action_names})

    def away(self) -> Vector:
        """A target one step from the pose, within limits, by a different distance on each channel."""
        here = self.pose()
        share = np.linspace(0.6, 1.0, len(here.names))
        moves = [self._move(signal, at) for signal, at in zip(self.device.action_signals, here.values, strict=True)]
        return Vector(here.names, here.values + share * moves)

    def _move(self, signal: Signal, at: float) -> float:
        given = self.case.limits(signal) or Limits()
        up = min(signal.limits.upper, given.upper) - at
        down = at - max(signal.limits.lower, given.lower)
        distance = min(self.case.motion.step, 0.8 * max(up, down))
        return float(distance if up >= down else -distance)

    def expect_at(self, place: Vector, when: str, tolerance: float | None = None) -> None:
        """The arm must stay at `place` for a while."""
        allowed = self.case.motion.tolerance if tolerance is None else tolerance
        for _ in self.until(self.case.motion.watch_s):
            name, off = worst(self.pose(), place)
            expect(abs(off) <= allowed, f"{when}, {name} moved by {off:+.2f} (allowed: {allowed:g})")

    def drive(self, send: Callable[[Vector], None], target: Vector) -> None:
        """Send `target` cyclically until the arm is there."""
        for _ in self.until(self.case.motion.settle_s):
            send(target)
            name, off = worst(self.pose(), target)
            if abs(off) <= self.case.motion.tolerance:
                return
        raise NotConforming(f"{name} did not reach its target within {self.case.motion.settle_s:g} s: it is {off:+.2f} off")

    def read_or_lost(self) -> Reading | None:
        try:
            return self.read()
        except DeviceLost:
            return None


def worst(pose: Vector, place: Vector) -> tuple[str, float]:
    """The channel that is farthest from `place`, and by how much."""
    off = pose.values - place.in_order(pose.names)
    index = int(np.argmax(np.abs(off)))
    return pose.names[index], float(off[index])
