"""A robot and its leader on their buses: what the rig reads from them and sends to them."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve

from hilt.config import LimitsConfig, Station
from hilt.kernel import Registry, build
from hilt.rig.engine import Layout, Sensed, matching
from hilt.rig.governor import Envelope, Governor
from hilt.rig.leader import Handover
from hilt_hooks import (
    ConfigError,
    ConnectError,
    DeviceLost,
    Floats,
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

RECONNECT_S = 1.0
ASK_AGAIN_S = 1.0


class Arm:
    """One device, robot or leader: its last reading, how long it has been silent, whether it is lost."""

    def __init__(self, role: str, device: Any, capabilities: frozenset[str]) -> None:
        signals: tuple[Signal, ...] = device.observation_signals if role == "robot" else device.action_signals
        self.role, self.device, self.names = role, device, names_of(signals)
        self.commands = names_of(device.action_signals)
        self.has_torque = "torque" in capabilities
        self.mirrors = self.has_torque and "mirror" in capabilities
        self.stiff = False
        self.values: Floats = np.zeros(len(signals))
        self.times = np.zeros(len(signals), dtype=np.int64)
        self.fresh = np.zeros(len(signals), dtype=bool)
        self.lost = ""
        self.returned = False
        self.refused = ""
        self._tried_s = self._asked_s = 0.0

    def read(self, deadline_ns: int) -> None:
        """Take what the device says; what it does not say keeps its value and is not fresh."""
        if self.lost:
            self.fresh = np.zeros(len(self.names), dtype=bool)
            return
        try:
            reading: Reading = self.device.read(deadline_ns)
        except DeviceLost as error:
            self.lost = str(error)
            self.fresh = np.zeros(len(self.names), dtype=bool)
            return
        order = list(matching(reading.names, self.names))
        self.fresh = reading.fresh[order]
        self.values = np.where(self.fresh, reading.values[order], self.values)
        self.times = np.where(self.fresh, reading.times[order], self.times)

    def send(self, command: str, values: Floats) -> None:
        """Call `write` or `mirror`; a device that is gone is noted, not raised."""
        if self.lost:
            return
        try:
            getattr(self.device, command)(Vector(self.commands, values))
        except DeviceLost as error:
            self.lost = str(error)
        except SafetyStop as error:
            self.refused = str(error)

    def set_torque(self, on: bool) -> None:
        """Switch the motors. A device that refuses to become stiff is left limp, and not asked again for a while."""
        now = time.monotonic()
        if on and self.refused and now - self._asked_s < ASK_AGAIN_S:
            return
        self._asked_s, self.refused = now, ""
        try:
            self.device.set_torque(on)
            self.stiff = on
        except DeviceLost as error:
            self.lost = str(error)
        except SafetyStop as error:
            self.refused = str(error)

    def sensed(self, now_ns: int) -> Sensed:
        """The last values of the channels that can be commanded, in their order."""
        pose = self.values[list(matching(self.names, self.commands))]
        return Sensed(pose, (now_ns - int(self.times.min())) / 1e9)

    def reconnect(self) -> bool:
        """Try again, once a second. True when the device is back."""
        now = time.monotonic()
        if not self.lost or now - self._tried_s < RECONNECT_S:
            return False
        self._tried_s = now
        self.device.disconnect()
        try:
            self.device.connect()
        except (ConnectError, ConfigError, DeviceLost):
            return False
        self.lost, self.stiff, self.returned = "", False, True
        return True


class Arms:
    """The robot and, if there is one, the leader of a station. Building them does no I/O."""

    def __init__(self, station: Station, registry: Registry) -> None:
        described = registry.find(RobotDescriptor, station.robot.type)
        self._robot: Robot = build(described, station.robot.config)
        self.robot = Arm("robot", self._robot, described.capabilities)
        self._limits = merged(described.limits, station.limits)
        self._tracking = station.max_tracking_error or described.max_tracking_error
        self._leads: TeleoperatorDescriptor | None = None
        self.leader: Arm | None = None
        if station.teleop is not None:
            self._leads = registry.find(TeleoperatorDescriptor, station.teleop.type)
            teleop: Teleoperator = build(self._leads, station.teleop.config)
            self.leader = Arm("leader", teleop, self._leads.capabilities)
            _check_names(self.robot.commands, self.leader.names)

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
            self.hold()
        except (DeviceLost, SafetyStop) as error:
            self.disconnect()
            raise ConnectError("the robot cannot be held", [error]) from error
        for arm in self.all:
            self._first_reading(arm)

    def hold(self) -> None:
        """Make the robot stiff where it is. Raises DeviceLost or SafetyStop when it cannot be."""
        self._robot.hold()
        self.robot.returned = False

    def hold_again(self) -> bool:
        """Once a lost robot is back and the operator has looked: make it stiff where it is now. False if it is not to be."""
        if self.robot.lost:
            return False
        try:
            if self.robot.returned:
                self.hold()
        except (DeviceLost, SafetyStop) as error:
            self.robot.refused = str(error)
            return False
        return True

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
            arm.device.disconnect()

    def governors(self, period_s: float) -> tuple[Governor, Governor | None]:
        robot = Governor(Envelope.of(self._robot.action_signals, self._limits, self._tracking), period_s)
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


def merged(limits: Mapping[str, Limits], overrides: Mapping[str, LimitsConfig]) -> dict[str, Limits]:
    """The plugin's limits with the station's numbers in place of single ones."""
    result = dict(limits)
    for name, override in overrides.items():
        base = result.get(name, result.get("*", Limits()))
        given = {key: getattr(override, key) for key in ("lower", "upper", "velocity", "acceleration")}
        changes = {key: value for key, value in given.items() if value is not None}
        result[name] = evolve(base, **changes)
    return result
