"""A robot and its leader on their buses: what the rig reads from them and sends to them."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from attrs import evolve

from hilt.config import LimitsConfig, Station
from hilt.config.problems import nearest
from hilt.ipc.process import ask_for_real_time
from hilt.kernel import Registry, build
from hilt.rig.engine import Layout, Sensed, matching, stale_s
from hilt.rig.governor import Envelope, Governor
from hilt.rig.leader import Handover
from hilt.setup import disagreement
from hilt_hooks import (
    ConfigError,
    ConnectError,
    DeviceLost,
    Floats,
    HiltError,
    Limits,
    Reading,
    Robot,
    RobotDescriptor,
    SafetyStop,
    Signal,
    Teleoperator,
    TeleoperatorDescriptor,
    Vector,
    names_of,
)

ASK_AGAIN_S = 1.0
"""Between two attempts to reach a lost device, or to stiffen one that refused."""

WORKER_PRIORITY = 9


class Arm:
    """One device, robot or leader: its last reading, how long it has been silent, what is wrong with it.

    What takes several exchanges on the bus (connecting, switching and checking torque, holding) is done by a thread of its
    own, so that no tick waits for it; until it is done, the device is `busy` and neither read nor written. Whatever goes wrong
    there, or in a tick, is in `lost` or `refused`. After a silence the motors are asked for their torque, until all of them have
    answered.

    lost: why the device does not answer, as long as it does not. problem: what the operator has to look at before the
    robot moves again. refused: why the device did not do what it was last asked. stiff: whether all motors are torqued, and a
    robot that had a problem has been held since. period_s: from tick to tick; 0 where it is not read.
    """

    def __init__(self, role: str, device: Any, capabilities: frozenset[str], period_s: float = 0.0) -> None:
        signals: tuple[Signal, ...] = device.observation_signals if role == "robot" else device.action_signals
        self.role, self.device, self.names = role, device, names_of(signals)
        self.commands = names_of(device.action_signals)
        self.has_torque = "torque" in capabilities
        self.mirrors = self.has_torque and "mirror" in capabilities
        self._warns = "warn" in capabilities
        self.stiff = False
        self.values: Floats = np.zeros(len(signals))
        self.times = np.zeros(len(signals), dtype=np.int64)
        self.fresh = np.zeros(len(signals), dtype=bool)
        self.lost = self.problem = self.refused = ""
        self._pose = list(matching(self.names, self.commands))
        self._worker = ThreadPoolExecutor(1, f"{role}-worker", initializer=ask_for_real_time, initargs=(WORKER_PRIORITY,))
        self._job: Future[None] | None = None
        self._asked_s = 0.0
        self._period_ns, self._stale_ns = int(period_s * 1e9), int(stale_s(period_s) * 1e9)
        self._was_silent = False
        self._settled_ns = 0

    @property
    def busy(self) -> bool:
        return self._job is not None and not self._job.done()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the device says of itself that the operator should know."""
        return tuple(self.device.warnings()) if self._warns and not self.busy else ()

    def read(self, deadline_ns: int) -> None:
        """Take what the device says; what it does not say, or what is no number, keeps its value and is not fresh."""
        self.fresh = np.zeros(len(self.names), dtype=bool)
        if self.lost or self.busy:
            return
        try:
            reading: Reading = self.device.read(deadline_ns)
        except Exception as error:
            self._lose(error)
            return
        order = list(matching(reading.names, self.names))
        values, spoke = reading.values[order], reading.fresh[order] & np.isfinite(reading.values[order])
        before = np.maximum(self.times, self._settled_ns)
        self.fresh = spoke
        self.values = np.where(spoke, values, self.values)
        self.times = np.where(spoke, reading.times[order], self.times)
        now_ns = time.monotonic_ns()
        missed_ns = max(self._silent_ns(now_ns), int((self.times - before).max()) - self._period_ns)  # in ticks, or between two
        self._was_silent |= bool(before.all()) and missed_ns > self._stale_ns
        if self._was_silent and not self.is_silent(now_ns):
            self._start(self._check_torque)

    def is_silent(self, now_ns: int) -> bool:
        """Whether a value has been missing for so long that nobody knows where the arm is. The arm's own work does not count."""
        return self._silent_ns(now_ns) > self._stale_ns

    @property
    def read_anew(self) -> bool:
        """Whether all values have come since the motors last said whether they are torqued."""
        return int(self.times.min()) > self._settled_ns

    def send(self, command: str, values: Floats) -> None:
        """Call `write` or `mirror`; a device that is gone, or a driver that fails, is noted, not raised.

        One with a problem gets nothing until it is held anew: it is not where the command comes from, and may be stiff in part.
        """
        if self.lost or self.busy or self.problem:
            return
        try:
            getattr(self.device, command)(Vector(self.commands, values))
        except SafetyStop as error:
            self.refused = str(error)
        except Exception as error:
            self._lose(error)

    def set_torque(self, on: bool) -> None:
        """Have the motors switched. A device that refuses to become stiff is left limp, and not asked again for a while."""
        now = time.monotonic()
        if self.busy or (on and self.refused and now - self._asked_s < ASK_AGAIN_S):
            return
        self._asked_s = now
        self._start(lambda: self._switch(on))

    def let_go(self) -> str:
        """Torque off, before this returns. Why it may still be on, unless the motors have said that it is not."""
        if not self.has_torque:
            return "" if self.role == "leader" else "its driver cannot switch torque; to make it limp, cut its power"
        if not self.lost:
            self._start(lambda: self._switch(False)).result()
        return self.lost or self.refused

    def hold(self) -> None:
        """Make a robot stiff where it is. Raises DeviceLost or SafetyStop when it cannot be."""
        self.device.hold()
        self.refused = ""
        self._settle(stiff=True)

    def hold_again(self) -> None:
        """Have a robot with a problem held where it is. The problem stays: whoever commands has to begin anew first."""
        self.refused = ""
        self._start(self.hold)

    def reconnect(self) -> None:
        """Have a lost device tried again, once a second."""
        now = time.monotonic()
        if self.lost and not self.busy and now - self._asked_s >= ASK_AGAIN_S:
            self._asked_s = now
            self._start(self._connect)

    def sensed(self, now_ns: int) -> Sensed:
        """The last values of the channels that can be commanded, in their order."""
        silent_s = (now_ns - int(self.times.min())) / 1e9
        return Sensed(self.values[self._pose], silent_s, problem=self.problem, stiff=self.stiff and not self.busy)

    def close(self) -> None:
        self._worker.shutdown(wait=True)
        self.device.disconnect()

    def _silent_ns(self, now_ns: int) -> int:
        return now_ns - max(int(self.times.min()), self._settled_ns)

    def _start(self, work: Callable[[], None]) -> "Future[None]":
        self._job = self._worker.submit(self._do, work)
        return self._job

    def _do(self, work: Callable[[], None]) -> None:
        """Nobody asks a job what it raised: it is noted. After what no driver may raise, nobody knows what the device does."""
        try:
            work()
        except SafetyStop as error:
            self.refused = str(error)
        except Exception as error:
            self._lose(error)

    def _switch(self, on: bool) -> None:
        self.device.set_torque(on)
        self.refused = ""
        self._settle(stiff=on)

    def _connect(self) -> None:
        self.device.disconnect()
        try:
            self.device.connect()
        except (ConnectError, ConfigError, DeviceLost):
            return
        self.lost, self._was_silent = "", True

    def _check_torque(self) -> None:
        """After a silence: a supply that failed leaves motors limp that answer again."""
        if not self.has_torque:
            self._settle(stiff=self.stiff)
            return
        on = self.device.torque()
        if self.role == "robot" and not on:
            self.problem = "has lost its torque" if on is False else "has lost its torque in part"
        self._settle(stiff=bool(on) and not self.problem)

    def _settle(self, *, stiff: bool) -> None:
        """The motors have said whether they are torqued."""
        self.stiff, self._was_silent, self._settled_ns = stiff, False, time.monotonic_ns()

    def _lose(self, error: Exception) -> None:
        why = str(error) if isinstance(error, HiltError) else f"{type(error).__name__}: {error}"
        self.lost, self.refused, self.stiff = why, "", False
        if self.role == "robot":
            self.problem = f"is lost: {why}"


class Arms:
    """The robot and, if there is one, the leader of a station. Building them does no I/O.

    period_s: of the ticks in which they are read.
    """

    def __init__(self, station: Station, registry: Registry, period_s: float = 0.0) -> None:
        described = registry.find(RobotDescriptor, station.robot.type)
        self._robot: Robot = build(described, station.robot.config)
        self.robot = Arm("robot", self._robot, described.capabilities, period_s)
        limits = merged(described.limits, station.limits)
        tracking = station.max_tracking_error or described.max_tracking_error
        self._envelope = Envelope.of(self._robot.action_signals, limits, tracking)
        _check_limits(station.limits, self._envelope)
        self._leads: TeleoperatorDescriptor | None = None
        self.leader: Arm | None = None
        if station.teleop is not None:
            self._leads = registry.find(TeleoperatorDescriptor, station.teleop.type)
            teleop: Teleoperator = build(self._leads, station.teleop.config)
            self.leader = Arm("leader", teleop, self._leads.capabilities, period_s)
            _check_names(self.robot.commands, self.leader.names)
            disagreement.refuse(teleop, self._robot)
        self._order = self.all
        self._holds_again = False

    @property
    def leader_mirrors(self) -> bool:
        return self.leader is not None and self.leader.mirrors

    @property
    def all(self) -> tuple[Arm, ...]:
        return (self.robot,) if self.leader is None else (self.robot, self.leader)

    def connect(self) -> None:
        """Open both, then make the robot stiff where it is. Raises one ConnectError with all that went wrong."""
        failures: list[Exception] = []
        for arm in self.all:
            try:
                arm.device.connect()
            except (ConnectError, ConfigError, DeviceLost) as error:
                failures.append(error)
        if failures:
            self.disconnect()
            raise ConnectError("cannot start", failures)
        try:
            self.robot.hold()
        except (DeviceLost, SafetyStop) as error:
            self.disconnect()
            raise ConnectError("the robot cannot be held", [error]) from error
        for arm in self.all:
            self._first_reading(arm)

    def read(self, deadline_ns: int) -> None:
        """Both, one after the other. One that is silent takes all the time there is: next time the other one comes first."""
        for arm in self._order:
            arm.read(deadline_ns)
        if not self._order[0].fresh.all():
            self._order = self._order[::-1]

    def hold_again(self, now_ns: int, *, seen: bool) -> bool | None:
        """Once the operator has looked at what was wrong: have the robot held where it is now, if it has to be.

        True when it is stiff and was read since: whoever commands may begin where it is. False if that is not to be. None as long
        as it is under way: ask again in the next tick.

        seen: whether whoever commands knows that the robot was away. If not, or if nobody knows where it is by now, the next
        command would be to where it was before.
        """
        robot = self.robot
        if robot.busy and not robot.lost:
            return None
        tried, self._holds_again = self._holds_again, False
        if robot.lost or robot.is_silent(now_ns):
            return False
        if robot.problem and not robot.stiff:
            if tried or not seen:
                return False
            robot.hold_again()
        elif robot.read_anew:
            robot.problem = ""
            return True
        self._holds_again = True
        return None

    def _first_reading(self, arm: Arm) -> None:
        for _ in range(20):
            arm.read(time.monotonic_ns() + 50_000_000)
            if arm.times.all():
                return
        silent = ", ".join(name for name, at in zip(arm.names, arm.times, strict=True) if not at)
        self.disconnect()
        raise ConnectError(f"{arm.role}: no position from {silent}")

    def disconnect(self) -> None:
        for arm in self.all:
            arm.close()

    def governors(self, period_s: float) -> tuple[Governor, Governor | None]:
        robot = Governor(self._envelope, period_s)
        if self.leader is None or self._leads is None or not self.leader.mirrors:
            return robot, None
        signals = self.leader.device.action_signals
        return robot, Governor(Envelope.of(signals, self._leads.limits, self._leads.max_tracking_error), period_s)

    def layout(self, interpolation: int, period_s: float, handover: Handover) -> Layout:
        if self.leader is None:
            return Layout(interpolation, period_s)
        return Layout(
            interpolation,
            period_s,
            to_robot=matching(self.leader.commands, self.robot.commands),
            to_leader=matching(self.robot.commands, self.leader.commands),
            mirrors=self.leader.mirrors,
            handover=handover,
        )


def _check_names(robot: tuple[str, ...], leader: tuple[str, ...]) -> None:
    if set(leader) != set(robot):
        missing, surplus = sorted(set(robot) - set(leader)), sorted(set(leader) - set(robot))
        raise ConfigError(f"teleop does not fit robot: it lacks {missing or 'nothing'}, and has {surplus or 'nothing'} besides")


def _check_limits(overrides: Mapping[str, LimitsConfig], envelope: Envelope) -> None:
    """A limit that is not in force is worse than none: the operator counts on it.

    Where a channel may not move at all, the slow way to where a policy starts would never end.
    """
    names = envelope.names
    problems = [
        f"limits.{name}: the robot has no such channel{nearest(name, names)}; there are {', '.join(names)}"
        for name in overrides
        if name not in names
    ]
    for name, lower, upper in zip(names, envelope.lower, envelope.upper, strict=True):
        if lower >= upper:
            problems.append(f"limits.{name}: lower ({lower:g}) is not below upper ({upper:g}) within the arm's own range")
    for what in ("velocity", "acceleration"):
        for name, limit in zip(names, getattr(envelope, what), strict=True):
            if not limit > 0:
                problems.append(f"limits.{name}.{what}: {limit:g} would never let it move; give a number above 0")
    if problems:
        raise ConfigError(problems)


def merged(limits: Mapping[str, Limits], overrides: Mapping[str, LimitsConfig]) -> dict[str, Limits]:
    """The plugin's limits with the station's numbers in place of single ones."""
    result = dict(limits)
    for name, override in overrides.items():
        base = result.get(name, result.get("*", Limits()))
        given = {key: getattr(override, key) for key in ("lower", "upper", "velocity", "acceleration")}
        changes = {key: value for key, value in given.items() if value is not None}
        result[name] = evolve(base, **changes)
    return result
