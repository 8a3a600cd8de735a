"""Devices with one fault each. The base class says which check must find it."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from attrs import evolve, field, frozen
from memory_devices import NAMES, RANGE, WORLDS, ArmConfig, MemoryCalibration, MemoryLeader, MemoryRobot, World

from hilt_hooks import ConfigError, ConnectError, DeviceLost, Limits, Reading, Signal, Vector, option


class OpensInInit(MemoryRobot):
    def __init__(self, config: ArmConfig) -> None:
        super().__init__(config)
        os.listdir(".")


class ThreadInInit(MemoryRobot):
    def __init__(self, config: ArmConfig) -> None:
        super().__init__(config)
        threading.Thread(target=time.sleep, args=(1,), name="reader", daemon=True).start()


class NoTorqueReadBack(MemoryRobot):
    torque = None  # type: ignore[assignment]


class OtherSignature(MemoryRobot):
    def read(self, deadline_ns: int, retries: int) -> Reading:  # type: ignore[override]
        return super().read(deadline_ns)


class MethodForProperty(MemoryRobot):
    def chain(self):  # type: ignore[override]
        return None


class CanDamp(MemoryRobot):
    def damp(self) -> None:
        self.world.switch(False)


class NoUnit(MemoryRobot):
    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return tuple(Signal(name, "", limits=RANGE) for name in NAMES)


class SameNameTwice(MemoryRobot):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return (*self.action_signals, self.action_signals[0])


class SignalsOnlyConnected(MemoryRobot):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return self.action_signals if self._world else ()


class NoSignals(MemoryRobot):
    action_signals = ()  # type: ignore[assignment]


class UnitOnlyConnected(MemoryRobot):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return tuple(evolve(signal, unit="rad" if self._world else "deg") for signal in self.action_signals)


class SlashInName(MemoryRobot):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return tuple(evolve(signal, name=f"arm/{signal.name}") for signal in self.action_signals)


class AllInOneSignal(MemoryRobot):
    @property
    def observation_signals(self) -> tuple[Signal, ...]:
        return (Signal("joints.pos", "deg", (len(NAMES),)),)


class NoRange(MemoryRobot):
    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return tuple(Signal(name, "deg") for name in NAMES)


class UpsideDownRange(MemoryRobot):
    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return tuple(Signal(name, "deg", limits=Limits(10, -10)) for name in NAMES)


class ForgetsChannel(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names[:-1], whole.values[:-1], whole.times[:-1], whole.fresh[:-1])


class SinglePrecision(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names, whole.values.astype(np.float32), whole.times, whole.fresh)


class NamesAnother(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        return evolve(super().read(deadline_ns), names=(*NAMES[:-1], "jaw.pos"))


class ChannelTwice(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading.join([whole, whole])


class ValuesAsList(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return evolve(whole, values=whole.values.tolist())


class ValuesAsColumn(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return evolve(whole, values=whole.values[:, None])


class TimesInSeconds(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return evolve(whole, times=whole.times / 1e9)


class FreshAsNumbers(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return evolve(whole, fresh=whole.fresh.astype(np.int64))


class FreshNaN(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return evolve(whole, values=np.full(len(NAMES), np.nan))


class WallClock(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names, whole.values, np.full(len(NAMES), time.time_ns()), whole.fresh)


class TimeOfConnect(MemoryRobot):
    def connect(self) -> None:
        super().connect()
        self._connected_ns = time.monotonic_ns() - 10_000_000_000

    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names, whole.values, np.full(len(NAMES), self._connected_ns), whole.fresh)


class TimesGoBack(MemoryRobot):
    """By a tenth of a second, at every other read."""

    _late_ns = 0

    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        self._late_ns = 100_000_000 - self._late_ns
        return evolve(whole, times=whole.times - self._late_ns)


class NeverHasATime(MemoryRobot):
    """Fresh is what it reads first, and of no time."""

    _asked = False

    def read(self, deadline_ns: int) -> Reading:
        fresh, self._asked = not self._asked, True
        whole = super().read(deadline_ns)
        return evolve(whole, times=np.zeros(len(NAMES), np.int64), fresh=np.full(len(NAMES), fresh))


class StaleAsFresh(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names, whole.values, whole.times, np.full(len(NAMES), True))


class ZeroForStale(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(whole.names, np.where(whole.fresh, whole.values, -1.0), whole.times, whole.fresh)


class OtherOrderWhenStale(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return whole if whole.complete else evolve(whole, names=NAMES[::-1])


class NewTimeForStale(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return whole if whole.complete else evolve(whole, times=np.full(len(NAMES), time.monotonic_ns()))


class IgnoresDeadline(MemoryRobot):
    def read(self, deadline_ns: int) -> Reading:
        if self.world.muted:
            time.sleep(1.5)
        return super().read(deadline_ns)


class NeverNoticesLoss(MemoryRobot):
    @property
    def world(self) -> World:
        return WORLDS[self.config.port]


class LossAsOSError(MemoryRobot):
    @property
    def world(self) -> World:
        if self._world is None or not self._world.plugged:
            raise OSError(5, "Input/output error")
        return self._world


class LossWithoutAWord(MemoryRobot):
    @property
    def world(self) -> World:
        if self._world is None or not self._world.plugged:
            raise DeviceLost("")
        return self._world


class WriteLossAsOSError(MemoryRobot):
    def write(self, command: Vector) -> None:
        if not WORLDS[self.config.port].plugged:
            raise OSError(5, "Input/output error")
        super().write(command)


class DisconnectNeedsDevice(MemoryRobot):
    def disconnect(self) -> None:
        if self._world is not None:
            self.world.now()
        super().disconnect()


class SecondConnectBreaks(MemoryRobot):
    def connect(self) -> None:
        if self._world is not None:
            raise RuntimeError("already open")
        super().connect()


class DisconnectOnce(MemoryRobot):
    def disconnect(self) -> None:
        if self._world is None:
            raise RuntimeError("not connected")
        super().disconnect()


class OneConnect(MemoryRobot):
    _used = False

    def connect(self) -> None:
        if self._used:
            raise RuntimeError("a thread can only be started once")
        self._used = True
        super().connect()


class BareConnectError(MemoryRobot):
    def connect(self) -> None:
        if not WORLDS[self.config.port].plugged:
            raise OSError(2, "No such file or directory")
        super().connect()


class SaysOnlyThatItFailed(MemoryRobot):
    def connect(self) -> None:
        if not WORLDS[self.config.port].plugged:
            raise ConnectError("the arm does not answer")
        super().connect()


class ConnectsToNothing(MemoryRobot):
    def connect(self) -> None:
        self._world = WORLDS[self.config.port]


class LeavesFileOpen(MemoryRobot):
    def connect(self) -> None:
        super().connect()
        self._file = os.open(os.devnull, os.O_RDONLY)


class LeavesThread(MemoryRobot):
    def connect(self) -> None:
        super().connect()
        threading.Thread(target=time.sleep, args=(3,), name="reader", daemon=True).start()


class TorqueLies(MemoryRobot):
    def torque(self) -> bool:
        return True


class TorqueOnToOldTarget(MemoryRobot):
    def set_torque(self, on: bool) -> None:
        self.world.switch(on)


class DisconnectDropsArm(MemoryRobot):
    def disconnect(self) -> None:
        if self._world is not None:
            self._world.switch(False)
        super().disconnect()


class ConnectMakesStiff(MemoryRobot):
    def connect(self) -> None:
        super().connect()
        self.set_torque(True)


class NumbersInIdentity(MemoryRobot):
    def identify(self) -> dict[str, str]:
        return {"firmware": 3.1}  # type: ignore[dict-item]


class SaysNothingOfItself(MemoryRobot):
    def identify(self) -> dict[str, str]:
        return {}


class CurrentsNotFinite(MemoryRobot):
    def current(self, deadline_ns: int) -> Reading:
        return evolve(self.read(deadline_ns), values=np.full(len(NAMES), np.inf))


class CurrentsWithOtherNames(MemoryRobot):
    def current(self, deadline_ns: int) -> Reading:
        return self.read(deadline_ns).with_prefix("current_")


class EmptyDiagnosis(MemoryRobot):
    def diagnose(self) -> list[dict[str, str]]:
        return []


class NumbersInDiagnosis(MemoryRobot):
    def diagnose(self) -> list[dict[str, str]]:
        return [{"motor": 1}]  # type: ignore[dict-item]


class EventsAsNumbers(MemoryRobot):
    def events(self) -> list[str]:
        return [1]  # type: ignore[list-item]


class WarnsInOneText(MemoryRobot):
    def warnings(self) -> str:  # type: ignore[override]
        return "base: hot"


class AsksToWarn(MemoryRobot):
    def warnings(self) -> list[str]:
        return [f"{name}: hot" for name in self.read(0).names if name != "base"]


class PathAsText(MemoryRobot):
    calibration_path = "memory.json"  # type: ignore[assignment]


class CalibratedAsNumber(MemoryRobot):
    calibrated = 1  # type: ignore[assignment]


class SaysCalibratedAnyway(MemoryRobot):
    @contextmanager
    def calibration(self) -> Iterator[MemoryCalibration]:
        with super().calibration() as calibration:
            calibration.differences = lambda: ["base: 1 in the file, 2 in the motor"]  # type: ignore[method-assign]
            yield calibration


class KeepsAnyRange(MemoryRobot):
    @contextmanager
    def calibration(self) -> Iterator[MemoryCalibration]:
        with super().calibration() as calibration:
            calibration.keep = lambda ranges: []  # type: ignore[method-assign]
            yield calibration


class KnowsNoMotor(MemoryRobot):
    def motors_present(self) -> list[str]:
        return []


class ParksOutside(MemoryRobot):
    def park_target(self) -> Vector:
        return Vector(NAMES, np.full(len(NAMES), 200.0))


class ChainOfOthers(MemoryRobot):
    @property
    def chain(self):  # type: ignore[override]
        return evolve(super().chain, signals={"base": "shoulder.pos"})


class ByPosition(MemoryRobot):
    def write(self, command: Vector) -> None:
        self._checked(command)
        self.world.command(command.values.copy())


class SurplusIgnored(MemoryRobot):
    def write(self, command: Vector) -> None:
        known = {name: value for name, value in command.as_dict().items() if name in NAMES}
        super().write(Vector.of(known))


class SendsThenChecks(MemoryRobot):
    def write(self, command: Vector) -> None:
        for index, value in enumerate(command.in_order(NAMES)):
            if not np.isfinite(value):
                raise ConfigError(f"{NAMES[index]} is {value}")
            goal = self.world.goal.copy()
            goal[index] = value
            self.world.command(goal)


class KeyErrorForNames(MemoryRobot):
    def write(self, command: Vector) -> None:
        values = command.as_dict()
        if len(values) != len(NAMES):
            raise ConfigError("wrong number of channels")
        super().write(Vector(NAMES, [values[name] for name in NAMES]))


class AcceptsNaN(MemoryRobot):
    def write(self, command: Vector) -> None:
        self.world.command(np.nan_to_num(command.in_order(NAMES)))


class HoldsOldTarget(MemoryRobot):
    def hold(self) -> None:
        self.world.switch(True)


class HoldsOldTargetWhenLimp(MemoryRobot):
    def hold(self) -> None:
        if self.world.torque:
            self.world.command(self.world.now().copy())
        self.world.switch(True)


class HoldStaysLimp(MemoryRobot):
    def hold(self) -> None:
        self.world.command(self.world.now().copy())


class OtherNames(MemoryLeader):
    @property
    def action_signals(self) -> tuple[Signal, ...]:
        return tuple(Signal(f"joint_{index}.pos", "deg", limits=RANGE) for index in range(len(NAMES)))

    def read(self, deadline_ns: int) -> Reading:
        whole = super().read(deadline_ns)
        return Reading(tuple(f"joint_{index}.pos" for index in range(len(NAMES))), whole.values, whole.times, whole.fresh)


class MirrorsNothing(MemoryLeader):
    def mirror(self, target: Vector) -> None:
        self._checked(target)


class MirrorsOneChannelShort(MemoryLeader):
    def mirror(self, target: Vector) -> None:
        goal = self._checked(target)
        goal[-1] = self.world.goal[-1]
        self.world.command(goal)


class MirrorTakesTorqueBack(MemoryLeader):
    def mirror(self, target: Vector) -> None:
        super().mirror(target)
        self.world.switch(True)


class MirrorOnlyStiffens(MemoryLeader):
    def mirror(self, target: Vector) -> None:
        self._checked(target)
        self.set_torque(True)


class MirrorAcceptsAnything(MemoryLeader):
    def mirror(self, target: Vector) -> None:
        with contextlib.suppress(ConfigError):
            super().mirror(target)


@frozen(kw_only=True)
class NoHelp:
    port: str = "memory"
    retries: int = option(2, help="How often a read is repeated")


@frozen(kw_only=True)
class DefaultOutside:
    port: str = option("memory", help="Which arm in memory")
    retries: int = option(20, help="How often a read is repeated", maximum=10)


@frozen(kw_only=True)
class ChangesItself:
    port: str = option(
        "memory",
        help="Which arm in memory",
    )
    offset: int = field(default=0, converter=lambda value: value + 1, metadata=option(help="x").metadata)


@frozen(kw_only=True)
class StaysAtHome:
    port: str = option("memory", help="Which arm in memory")
    filter: Callable[[float], float] = option(lambda value: value, help="What is done to each value")


def not_there() -> None:
    """A factory's module exists, the attribute it names does not."""
