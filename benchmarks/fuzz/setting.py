"""A station as somebody might configure it, drawn at random, and what that allows on each bus in plain numbers."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from attrs import evolve, frozen

from benchmarks.fuzz.grip import GripWatch
from benchmarks.fuzz.invariant import Bounds
from hilt.kernel import Registry
from hilt_hooks import Floats
from hilt_motor_feetech.calibration import MotorCalibration, save_calibration
from hilt_robot_so.plugin import hilt_robots
from hilt_teleop_so.plugin import hilt_teleoperators

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
"""By servo id, from 1."""
CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)
_BODY, _GRIPPER = (180.0, 900.0), (300.0, 3000.0)
"""Velocity and acceleration of an SO arm, by default."""
_STROKES = 3.0
"""How often a second a gripper that was spared may go from end to end."""
_TRACKING = {"robot": 15.0, "leader": 30.0}
_RATES = ((30, 1), (30, 2), (30, 3), (10, 6), (60, 1), (15, 4))


@frozen(eq=False)
class Setting:
    """config: as `Station` takes it. robot, leader: what must hold on their buses.

    mirrors: whether the leader follows the robot. bleed: units/s by which the offset after a takeover shrinks. filters: how many.
    """

    config: Mapping[str, Any]
    calibration: Mapping[str, Mapping[str, MotorCalibration]]
    robot: Bounds
    leader: Bounds | None
    mirrors: bool
    fps: int
    interpolation: int
    bleed: float
    filters: int

    @property
    def period_ns(self) -> int:
        return round(1e9 / (self.fps * self.interpolation))

    @property
    def grip(self) -> GripWatch:
        """Of the robot, from now on."""
        motor = self.calibration["robot"]["gripper"]
        return GripWatch(motor.id, (motor.range_min, motor.range_max), _STROKES * (motor.range_max - motor.range_min))

    @property
    def registry(self) -> Registry:
        robot = next(each for each in hilt_robots() if each.name == "so101_follower")
        leader = next(each for each in hilt_teleoperators() if each.name == "so101_leader")
        can = leader.capabilities if self.mirrors else leader.capabilities - {"mirror"}
        return Registry.of(robot, evolve(leader, factory="benchmarks.fuzz.leader:ReversedLeader", capabilities=can))


def draw(random: Random, folder: Path, ports: Mapping[str, str]) -> Setting:
    """Writes the calibration files to `folder`. ports: of "robot" and "leader"."""
    degrees, led = random.random() < 0.8, random.random() < 0.9
    calibration = {arm: _calibration(random, degrees) for arm in ("robot", "leader")}
    for arm, content in calibration.items():
        save_calibration(folder / f"{arm}.json", content)
    caps, tracking, limits = _caps(random), _maybe(random, 0.3, 1.0, 40.0), _limits(random)
    shared = {"calibration_dir": str(folder), "use_degrees": degrees}
    robot = {"type": "so101_follower", "port": ports["robot"], "id": "robot", "max_relative_target": caps, **shared}
    leader = {"type": "so101_leader", "port": ports["leader"], "id": "leader", **shared} if led else None
    bounds = _bounds(CHANNELS, calibration["robot"], degrees, _TRACKING["robot"])
    fps, interpolation = random.choice(_RATES)
    return Setting(
        config={"robot": robot, "teleop": leader, "limits": limits, "max_tracking_error": tracking},
        calibration=calibration,
        robot=_tightened(bounds, limits, caps, tracking),
        leader=_bounds(CHANNELS[::-1], calibration["leader"], degrees, _TRACKING["leader"]) if led else None,
        mirrors=led and random.random() < 0.8,
        fps=fps,
        interpolation=interpolation,
        bleed=random.choice((0.0, 10.0, 30.0)),
        filters=random.choice((0, 0, 1, 2)),
    )


def _maybe(random: Random, share: float, low: float, high: float) -> float | None:
    return round(random.uniform(low, high), 3) if random.random() < share else None


def _calibration(random: Random, degrees: bool) -> dict[str, MotorCalibration]:
    def motor(id: int, joint: str) -> MotorCalibration:
        turned = int((joint == "gripper" or not degrees) and random.random() < 0.5)
        ends = random.randint(300, 1300), random.randint(2500, 3800)
        return MotorCalibration(id, turned, random.randint(-900, 900), *ends)

    return {joint: motor(id, joint) for id, joint in enumerate(JOINTS, start=1)}


def _caps(random: Random) -> float | dict[str, float] | None:
    one = _maybe(random, 0.4, 0.5, 30.0)
    if one is None or random.random() < 0.5:
        return one
    return {joint: round(random.uniform(0.5, 30.0), 3) for joint in JOINTS}


def _limits(random: Random) -> dict[str, dict[str, float]]:
    ranges = {"lower": (-120.0, -5.0), "upper": (25.0, 150.0), "velocity": (0.0, 400.0), "acceleration": (5.0, 5000.0)}
    found: dict[str, dict[str, float]] = {}
    for channel in CHANNELS:
        given = {key: value for key, ends in ranges.items() if (value := _maybe(random, 0.15, *ends)) is not None}
        if given:
            found[channel] = given
    return found


def _bounds(channels: tuple[str, ...], calibration: Mapping[str, MotorCalibration], degrees: bool, tracking: float) -> Bounds:
    """The calibrated range and the numbers of the SO arms. The formulas are LeRobot's."""
    joints = [channel.removesuffix(".pos") for channel in channels]
    motors = [calibration[joint] for joint in joints]
    low, high = (np.array([getattr(motor, end) for motor in motors], dtype=float) for end in ("range_min", "range_max"))
    lines = [_line(joint, motor, degrees) for joint, motor in zip(joints, motors, strict=True)]
    gain, offset = np.array(lines).T
    ends = low * gain + offset, high * gain + offset
    speed = np.array([_GRIPPER if joint == "gripper" else _BODY for joint in joints])
    return Bounds(
        names=channels,
        ids=tuple(motor.id for motor in motors),
        steps=(low, high),
        gain=gain,
        offset=offset,
        lower=np.minimum(*ends),
        upper=np.maximum(*ends),
        velocity=speed[:, 0],
        acceleration=speed[:, 1],
        tracking=np.full(len(joints), tracking),
    )


def _line(joint: str, motor: MotorCalibration, degrees: bool) -> tuple[float, float]:
    """value = gain * steps + offset."""
    span = motor.range_max - motor.range_min
    if joint == "gripper":
        gain, offset = 100 / span, -100 * motor.range_min / span
        return (-gain, 100 - offset) if motor.drive_mode else (gain, offset)
    if degrees:
        return 360 / 4095, -(motor.range_min + motor.range_max) / 2 * 360 / 4095
    gain, offset = 200 / span, -200 * motor.range_min / span - 100
    return (-gain, -offset) if motor.drive_mode else (gain, offset)


def _tightened(bounds: Bounds, limits: Mapping[str, Mapping[str, float]], caps: Any, tracking: float | None) -> Bounds:
    """What the station says replaces the descriptor's numbers; the calibrated range stays the outer limit."""

    def given(key: str, other: Floats) -> Floats:
        return np.array([limits.get(name, {}).get(key, each) for name, each in zip(bounds.names, other, strict=True)])

    each = caps if isinstance(caps, dict) else dict.fromkeys(JOINTS, np.inf if caps is None else caps)
    farthest = np.array([each[name.removesuffix(".pos")] for name in bounds.names])
    return evolve(
        bounds,
        lower=np.maximum(bounds.lower, given("lower", np.full(len(bounds.names), -np.inf))),
        upper=np.minimum(bounds.upper, given("upper", np.full(len(bounds.names), np.inf))),
        velocity=given("velocity", bounds.velocity),
        acceleration=given("acceleration", bounds.acceleration),
        tracking=np.minimum(farthest, bounds.tracking if tracking is None else tracking),
    )
