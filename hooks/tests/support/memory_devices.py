"""A robot and a leader in memory that keep every rule: simple arms that move at a fixed speed in real time."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from attrs import define, field, frozen

from hilt_hooks import (
    Chain,
    ConfigError,
    ConnectError,
    DeviceLost,
    FoundMotor,
    Joint,
    JointToCalibrate,
    Limits,
    Reading,
    RobotDescriptor,
    Signal,
    TeleoperatorDescriptor,
    Vector,
    option,
)

NAMES = ("base.pos", "elbow.pos", "gripper.pos")
UNITS = ("deg", "deg", "percent")
RANGE = Limits(-100, 100)
SPEED = 80.0
LIMITS = {"*": Limits(velocity=180, acceleration=900, reason="an arm in memory")}
CAPABILITIES = frozenset(
    {"torque", "identify", "current", "diagnose", "events", "calibrate", "park", "kinematics", "setup_motors", "warn"}
)


@define
class World:
    """The arm itself: it outlives the devices that are connected to it."""

    pose: np.ndarray = field(factory=lambda: np.zeros(len(NAMES)))
    goal: np.ndarray = field(factory=lambda: np.zeros(len(NAMES)))
    torque: bool = False
    plugged: bool = True
    muted: bool = False
    calibration: dict[str, tuple[float, float]] = field(factory=dict)
    moved_s: float = field(factory=time.monotonic)

    def now(self) -> np.ndarray:
        """The pose at this instant."""
        step = SPEED * (time.monotonic() - self.moved_s)
        self.moved_s = time.monotonic()
        if self.torque:
            self.pose = self.pose + np.clip(self.goal - self.pose, -step, step)
        return self.pose

    def command(self, goal: np.ndarray) -> None:
        self.now()
        self.goal = goal

    def switch(self, on: bool) -> None:
        self.now()
        self.torque = on

    def unplug(self) -> None:
        self.plugged = False

    def mute(self) -> None:
        self.muted = True

    def where(self) -> dict[str, float]:
        return dict(zip(NAMES, self.now().tolist(), strict=True))


WORLDS: dict[str, World] = {}
"""Port -> what is connected to it."""


@frozen(kw_only=True)
class ArmConfig:
    port: str = option(help="Which arm in memory")
    id: str | None = option(None, help="Name of the arm")
    retries: int = option(2, help="How often a read is repeated", minimum=0, maximum=10)


class MemoryArm:
    """What the robot and the leader share."""

    def __init__(self, config: ArmConfig) -> None:
        self.config = config
        self._world: World | None = None
        self._last = np.zeros(len(NAMES))
        self._times = np.zeros(len(NAMES), dtype=np.int64)

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return tuple(Signal(name, unit, limits=RANGE) for name, unit in zip(NAMES, UNITS, strict=True))

    @property
    def world(self) -> World:
        if self._world is None or not self._world.plugged:
            raise DeviceLost(f"the arm on {self.config.port} is gone: plug it in again")
        return self._world

    def connect(self) -> None:
        world = WORLDS[self.config.port]
        if not world.plugged:
            raise ConnectError(f"nothing is plugged into {self.config.port}")
        self._world = world

    def disconnect(self) -> None:
        self._world = None

    def read(self, deadline_ns: int) -> Reading:
        answers = not self.world.muted
        if answers:
            self._last, self._times = self.world.now().copy(), np.full(len(NAMES), time.monotonic_ns())
        return Reading(NAMES, self._last.copy(), self._times.copy(), np.full(len(NAMES), answers))

    def set_torque(self, on: bool) -> None:
        world = self.world
        if on and not world.torque:
            world.command(world.now().copy())
        world.switch(on)

    def torque(self) -> bool:
        return self.world.torque

    def identify(self) -> dict[str, str]:
        return {"port": self.config.port}

    def _checked(self, command: Vector) -> np.ndarray:
        goal = command.in_order(NAMES)
        for name, value in zip(NAMES, goal, strict=True):
            if not math.isfinite(value):
                raise ConfigError(f"{name} is {value}: a target must be finite")
        return goal.copy()


class MemoryRobot(MemoryArm):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return self.action_signals

    def write(self, command: Vector) -> None:
        self.world.command(self._checked(command))

    def hold(self) -> None:
        self.world.command(self.world.now().copy())
        self.world.switch(True)

    def current(self, deadline_ns: int) -> Reading:
        return self.read(deadline_ns)

    def diagnose(self) -> list[dict[str, str]]:
        return [{"motor": name, "last error": "none"} for name in NAMES]

    def events(self) -> list[str]:
        return []

    def warnings(self) -> list[str]:
        return []

    @property
    def calibration_path(self) -> Path:
        return Path("memory.json")

    @property
    def calibrated(self) -> bool:
        return True

    @contextmanager
    def calibration(self) -> Iterator["MemoryCalibration"]:
        self.disconnect()
        yield MemoryCalibration(WORLDS[self.config.port])

    def park_target(self) -> Vector:
        return Vector(NAMES, np.zeros(len(NAMES)))

    @property
    def chain(self) -> Chain:
        joint = Joint("base", np.eye(4), np.array([0.0, 0.0, 1.0]), -3.0, 3.0)
        return Chain((joint,), np.eye(4), {"base": "base.pos"}, math.radians(1))

    def motors_to_set_up(self) -> list[str]:
        return list(NAMES)

    def motors_present(self) -> list[str]:
        return list(NAMES)

    def find_motor(self, motor: str) -> FoundMotor:
        return FoundMotor(description="a motor in memory", ready=True)

    def set_up_motor(self, motor: str) -> None:
        self.world.now()


class MemoryCalibration:
    """Its file is the world's memory."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._start = world.now().copy()

    @property
    def joints(self) -> list[JointToCalibrate]:
        return [JointToCalibrate(name=name, unit=unit) for name, unit in zip(NAMES, UNITS, strict=True)]

    def torque(self) -> bool:
        return self._world.torque

    def release(self) -> None:
        self._world.switch(False)

    def differences(self) -> list[str]:
        return []

    def owner(self) -> Path | None:
        return None

    def measure(self, deadline_ns: int) -> Reading:
        moved = self._world.now() - self._start
        return Reading(NAMES, moved, np.full(len(NAMES), time.monotonic_ns()), np.full(len(NAMES), True))

    def keep(self, ranges: Mapping[str, tuple[float, float]]) -> list[str]:
        if set(ranges) != set(NAMES):
            raise ConfigError(f"ranges of {sorted(ranges)}")
        if still := [name for name, (low, high) in ranges.items() if low == high]:
            raise ConfigError([f"{name} did not move" for name in still])
        self._world.calibration = dict(ranges)
        return ["kept"]

    def restore(self) -> list[str]:
        return []


class MemoryLeader(MemoryArm):
    def mirror(self, target: Vector) -> None:
        self.world.command(self._checked(target))


def robot(factory: str = "memory_devices:MemoryRobot", capabilities: frozenset[str] = CAPABILITIES) -> RobotDescriptor:
    return RobotDescriptor(
        name="memory_robot",
        summary="A robot in memory",
        config=ArmConfig,
        factory=factory,
        capabilities=capabilities,
        limits=LIMITS,
    )


def leader(factory: str = "memory_devices:MemoryLeader") -> TeleoperatorDescriptor:
    return TeleoperatorDescriptor(
        name="memory_leader",
        summary="A leader in memory",
        config=ArmConfig,
        factory=factory,
        capabilities=frozenset({"torque", "mirror", "identify"}),
        limits=LIMITS,
    )
