"""Two arms as one device: any two robots, or any two teleoperators, of one type.

`bimanual(descriptor, name=..., summary=...)` makes the descriptor of the pair from that of one arm. Signals, limits, cameras
and motors of the arms appear as `left_...` and `right_...`. The pair can do what both arms can do, except what a Protocol
defines for a single arm (a calibration file, a kinematic chain): that stays with the arms.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import isfinite
from pkgutil import resolve_name
from typing import Any, ClassVar, TypeVar, cast, overload

import attrs
from attrs import evolve, frozen

from hilt_hooks.calibration import FoundMotor
from hilt_hooks.config import Cameras, cameras, option
from hilt_hooks.descriptors import RobotDescriptor, TeleoperatorDescriptor
from hilt_hooks.errors import ConfigError, ConnectError, DeviceLost, HiltError
from hilt_hooks.signals import Limits, Reading, Signal, Vector, names_of

SIDES = ("left", "right")

T = TypeVar("T")
ArmDescriptor = RobotDescriptor | TeleoperatorDescriptor


class Pair:
    """What a pair of robots and a pair of teleoperators share. Every call reaches both arms, also when one of them fails."""

    def __init__(self, left: Any, right: Any) -> None:
        self.arms: tuple[Any, Any] = (left, right)

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return self._signals(lambda arm: cast(tuple[Signal, ...], arm.action_signals))

    def connect(self) -> None:
        """Open both arms. Where one cannot be opened, neither stays open. Raises ConnectError with what both arms say."""
        failures = []
        for side, arm in zip(SIDES, self.arms, strict=True):
            try:
                arm.connect()
            except HiltError as error:
                failures.append(ConnectError(f"{side} arm", [error]))
        if failures:
            self.disconnect()
            raise ConnectError("the pair of arms could not be opened", failures)

    def disconnect(self) -> None:
        left, right = self.arms
        try:
            left.disconnect()
        finally:
            right.disconnect()

    def read(self, deadline_ns: int) -> Reading:
        """One arm after the other: a thread a read would cost more than the wire does. The left one has half of the time."""
        return self._read(lambda arm, deadline: cast(Reading, arm.read(deadline)), deadline_ns)

    def _read(self, read: Callable[[Any, int], Reading], deadline_ns: int) -> Reading:
        left, right = self.arms
        now = time.monotonic_ns()
        halfway = now + (deadline_ns - now) // 2
        readings = _both(partial(read, left, halfway), partial(read, right, deadline_ns))
        return Reading.join(reading.with_prefix(f"{side}_") for side, reading in zip(SIDES, readings, strict=True))

    def _signals(self, of: Callable[[Any], Sequence[Signal]]) -> tuple[Signal, ...]:
        return tuple(
            evolve(signal, name=f"{side}_{signal.name}") for side, arm in zip(SIDES, self.arms, strict=True) for signal in of(arm)
        )

    def _each(self, call: Callable[[Any], T]) -> tuple[T, T]:
        return _both(*(partial(call, arm) for arm in self.arms))

    def _send(self, send: Callable[[Any, Vector], None], command: Vector) -> None:
        """Give each arm its part. Nothing is sent unless the whole command is complete and finite."""
        left, right = self.arms
        left_names, right_names = names_of(left.action_signals), names_of(right.action_signals)
        names = (*(f"left_{name}" for name in left_names), *(f"right_{name}" for name in right_names))
        values = command.in_order(names)
        wrong = [
            f"{name} is {value}: a target must be finite"
            for name, value in zip(names, values, strict=True)
            if not isfinite(value)
        ]
        if wrong:
            raise ConfigError(wrong)
        split = len(left_names)
        _both(partial(send, left, Vector(left_names, values[:split])), partial(send, right, Vector(right_names, values[split:])))


def _both(*calls: Callable[[], T]) -> tuple[T, T]:
    """Make both calls, then raise what went wrong: one DeviceLost that names the arms, or the first other error."""
    results: list[T] = []
    failures: dict[str, Exception] = {}
    for side, call in zip(SIDES, calls, strict=True):
        try:
            results.append(call())
        except Exception as error:
            failures[side] = error
    for failure in failures.values():
        if not isinstance(failure, DeviceLost):
            raise failure
    if failures:
        raise DeviceLost("\n".join(f"{side} arm: {failure}" for side, failure in failures.items()))
    left, right = results
    return left, right


class BimanualTeleoperator(Pair):
    """Two teleoperators as one."""


class BimanualRobot(Pair):
    """Two robots as one."""

    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return self._signals(lambda arm: cast(tuple[Signal, ...], arm.observation_signals))

    def write(self, command: Vector) -> None:
        self._send(lambda arm, part: arm.write(part), command)

    def hold(self) -> None:
        self._each(lambda arm: arm.hold())


class _Torque(Pair):
    def set_torque(self, on: bool) -> None:
        self._each(lambda arm: arm.set_torque(on))

    def torque(self) -> bool | None:
        left, right = self._each(lambda arm: cast(bool | None, arm.torque()))
        return left if left == right else None


class _Mirror(Pair):
    def mirror(self, target: Vector) -> None:
        self._send(lambda arm, part: arm.mirror(part), target)


class _Feedback(Pair):
    def feedback(self, effort: Vector) -> None:
        self._send(lambda arm, part: arm.feedback(part), effort)


class _Current(Pair):
    def current(self, deadline_ns: int) -> Reading:
        return self._read(lambda arm, deadline: cast(Reading, arm.current(deadline)), deadline_ns)


class _Events(Pair):
    def events(self) -> Sequence[str]:
        left, right = self._each(lambda arm: cast(Sequence[str], arm.events()))
        return [*left, *right]


class _Warn(Pair):
    def warnings(self) -> Sequence[str]:
        said = self._each(lambda arm: cast(Sequence[str], arm.warnings()))
        return [f"{side}_{warning}" for side, warnings in zip(SIDES, said, strict=True) for warning in warnings]


class _Identify(Pair):
    def identify(self) -> Mapping[str, str]:
        said = self._each(lambda arm: cast(Mapping[str, str], arm.identify()))
        return {f"{side}_{key}": value for side, arm in zip(SIDES, said, strict=True) for key, value in arm.items()}


class _SetUpMotors(Pair):
    def motors_to_set_up(self) -> Sequence[str]:
        return self._motors(lambda arm: cast(Sequence[str], arm.motors_to_set_up()))

    def motors_present(self) -> Sequence[str]:
        return self._motors(lambda arm: cast(Sequence[str], arm.motors_present()))

    def find_motor(self, motor: str) -> FoundMotor:
        side, arm, name = self._arm_of(motor)
        found = cast(FoundMotor, arm.find_motor(name))
        return evolve(found, resembles=found.resembles and f"{side}_{found.resembles}")

    def set_up_motor(self, motor: str) -> None:
        _, arm, name = self._arm_of(motor)
        arm.set_up_motor(name)

    def _motors(self, of: Callable[[Any], Sequence[str]]) -> Sequence[str]:
        return [f"{side}_{motor}" for side, arm in zip(SIDES, self._each(of), strict=True) for motor in arm]

    def _arm_of(self, motor: str) -> tuple[str, Any, str]:
        """Side, arm, and the motor's name there."""
        side, _, name = motor.partition("_")
        if side not in SIDES:
            raise ConfigError(f"{motor!r} is no motor of this pair; there are {', '.join(self.motors_to_set_up())}")
        return side, self.arms[SIDES.index(side)], name


class _Diagnose(Pair):
    def diagnose(self) -> Sequence[Mapping[str, str]]:
        rows = self._each(lambda arm: cast(Sequence[Mapping[str, str]], arm.diagnose()))
        return [{"arm": side, **row} for side, arm in zip(SIDES, rows, strict=True) for row in arm]


class _Park(Pair):
    def park_target(self) -> Vector:
        targets = self._each(lambda arm: cast(Vector, arm.park_target()))
        named = [target.with_prefix(f"{side}_").as_dict() for side, target in zip(SIDES, targets, strict=True)]
        return Vector.of(named[0] | named[1])


class _Damp(Pair):
    def damp(self) -> None:
        self._each(lambda arm: arm.damp())


_ABILITIES: Mapping[str, type[Pair]] = {
    "torque": _Torque,
    "mirror": _Mirror,
    "feedback": _Feedback,
    "current": _Current,
    "events": _Events,
    "warn": _Warn,
    "identify": _Identify,
    "setup_motors": _SetUpMotors,
    "diagnose": _Diagnose,
    "park": _Park,
    "damp": _Damp,
}
"""Capability -> how a pair has it."""


_BASES: Mapping[str, type[Pair]] = {"robot": BimanualRobot, "teleoperator": BimanualTeleoperator}


@cache
def pair_class(kind: str, capabilities: frozenset[str]) -> type[Pair]:
    """The class of pairs of this kind of device, with exactly the methods of these capabilities."""
    base, abilities = _BASES[kind], [_ABILITIES[name] for name in sorted(capabilities & _ABILITIES.keys())]
    return type(base.__name__, (*abilities, base), {"__module__": __name__})


@frozen
class Arm:
    """What a pair has to know about the type of its arms."""

    kind: str
    name: str
    config: type[Any]
    factory: str
    capabilities: frozenset[str]


class PairConfig:
    """Base of the configurations of pairs. arm: the type of both arms."""

    arm: ClassVar[Arm]

    def __attrs_post_init__(self) -> None:
        """Let `cameras` hold the cameras of the arms too, so that whoever opens cameras looks in one place."""
        own = getattr(self, "cameras", {})
        arms = {f"{side}_{name}": camera for side in SIDES for name, camera in _cameras_of(self, side).items()}
        twice = [name for name in arms if own.get(name, arms[name]) != arms[name]]
        if twice:
            raise ConfigError(f"cameras.{name}: an arm has a camera that gets this name" for name in twice)
        if arms:
            object.__setattr__(self, "cameras", {**own, **arms})

    def __reduce__(self) -> tuple[Any, ...]:
        # The class is made from data and has no import path, so pickle is told how to make it again.
        return _restore, (self.arm, {name: getattr(self, name) for name in attrs.fields_dict(_attrs_class(self))})


def _attrs_class(config: Any) -> "type[attrs.AttrsInstance]":
    return cast("type[attrs.AttrsInstance]", type(config))


def _restore(arm: Arm, values: dict[str, Any]) -> PairConfig:
    return config_class(arm)(**values)


def _cameras_of(config: Any, side: str) -> Cameras:
    arm = getattr(config, f"{side}_arm_config")
    return cast(Cameras, arm.cameras) if "cameras" in attrs.fields_dict(type(arm)) else {}


@cache
def config_class(arm: Arm) -> type[PairConfig]:
    """The attrs class for a pair of these arms, with LeRobot's field names."""
    fields: dict[str, tuple[Any, Any]] = {
        "id": (str | None, option(None, help="Name of the pair; an arm without an id of its own is <id>_left or <id>_right")),
        "left_arm_config": (arm.config, option(help="The left arm")),
        "right_arm_config": (arm.config, option(help="The right arm")),
    }
    if arm.kind == RobotDescriptor.kind:
        fields["cameras"] = (Cameras, cameras())
    body = {name: default for name, (_, default) in fields.items()}
    body |= {
        "__annotations__": {name: hint for name, (hint, _) in fields.items()},
        "__doc__": f"Two {arm.name} as one device.",
        "__module__": arm.config.__module__,
        "arm": arm,
    }
    return frozen(kw_only=True)(type(f"Bimanual{arm.config.__name__}", (PairConfig,), body))


def build(config: PairConfig) -> Pair:
    """The factory of every pair."""
    factory = resolve_name(config.arm.factory)
    left, right = (factory(_arm_config(config, side)) for side in SIDES)
    return pair_class(config.arm.kind, config.arm.capabilities)(left, right)


def _arm_config(config: Any, side: str) -> Any:
    """The arm's own configuration; it gets `<id>_left` or `<id>_right` where it has no id."""
    own = getattr(config, f"{side}_arm_config")
    takes_id = "id" in attrs.fields_dict(type(own))
    return evolve(own, id=f"{config.id}_{side}") if takes_id and own.id is None and config.id is not None else own


@overload
def bimanual(descriptor: RobotDescriptor, *, name: str, summary: str, aliases: tuple[str, ...] = ()) -> RobotDescriptor: ...
@overload
def bimanual(
    descriptor: TeleoperatorDescriptor, *, name: str, summary: str, aliases: tuple[str, ...] = ()
) -> TeleoperatorDescriptor: ...
def bimanual(descriptor: ArmDescriptor, *, name: str, summary: str, aliases: tuple[str, ...] = ()) -> ArmDescriptor:
    """The descriptor of a pair of the described arms. The pair has no emulator of its own: each arm has."""
    arm = Arm(
        kind=descriptor.kind,
        name=descriptor.name,
        config=descriptor.config,
        factory=descriptor.factory,
        capabilities=descriptor.capabilities,
    )
    return evolve(
        descriptor,
        name=name,
        aliases=aliases,
        summary=summary,
        config=config_class(arm),
        factory=f"{__name__}:build",
        capabilities=descriptor.capabilities & _ABILITIES.keys(),
        emulator=None,
        limits=_limits(descriptor.limits),
    )


def _limits(limits: Mapping[str, Limits]) -> dict[str, Limits]:
    """The arm's limits on both sides; "*" keeps its meaning, all other channels."""
    both = {f"{side}_{name}": limit for side in SIDES for name, limit in limits.items() if name != "*"}
    return both | {name: limit for name, limit in limits.items() if name == "*"}
