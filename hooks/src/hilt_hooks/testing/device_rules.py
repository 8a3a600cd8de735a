"""Rules for every robot and teleoperator: signals, reading, losing."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hilt_hooks.errors import DeviceLost
from hilt_hooks.signals import Limits, Reading, Signal
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.rigs import Bench, Case

_READINGS = 10
_RECENT_NS = 250_000_000


def signals_are_known(case: Case) -> None:
    with case.bench() as bench:
        declared = [tuple(bench.device.action_signals), case.signals_read(bench.device)]
        for signals in declared:
            _well_formed(signals)
        bench.device.connect()
        after = [tuple(bench.device.action_signals), case.signals_read(bench.device)]
    for old, new in zip(declared, after, strict=True):
        same = [(s.name, s.unit, s.shape, s.dtype) for s in old] == [(s.name, s.unit, s.shape, s.dtype) for s in new]
        expect(same, "connecting changes the names, units, shapes or dtypes of the signals")


def _well_formed(signals: tuple[Signal, ...]) -> None:
    names = [signal.name for signal in signals]
    expect(bool(names), "a device without signals")
    twice = sorted({name for name in names if names.count(name) > 1})
    expect(not twice, f"signals declared twice: {', '.join(twice)}")
    for signal in signals:
        expect("/" not in signal.name and bool(signal.name), f"{signal.name!r} is no name for a channel")
        expect(bool(signal.unit), f"{signal.name} has no unit")
        expect(signal.shape == (), f"{signal.name} has shape {signal.shape}; channels of a device are scalars")
        np.dtype(signal.dtype)


def limits_are_real(case: Case) -> None:
    with case.connected() as bench:
        signals = tuple(bench.device.action_signals)
    unknown = sorted(case.descriptor.limits.keys() - {"*"} - {signal.name for signal in signals})
    expect(not unknown, f"the descriptor limits channels that do not exist: {', '.join(unknown)}")
    moves = case.descriptor.kind == "robot" or "mirror" in case.descriptor.capabilities
    wrong = [problem for signal in signals for problem in _limit_problems(signal, case.limits(signal), moves)]
    expect(not wrong, "; ".join(wrong))


def _limit_problems(signal: Signal, given: Limits | None, moves: bool) -> Iterator[str]:
    own = signal.limits
    if not own.lower < own.upper:
        yield f"{signal.name}: lower limit {own.lower:g} is not below upper limit {own.upper:g}"
    if not moves:
        return
    if given is None:
        yield f"{signal.name}: the descriptor gives no limits"
        return
    if not (0 < given.velocity < np.inf and 0 < given.acceleration < np.inf):
        yield f"{signal.name}: velocity {given.velocity:g} and acceleration {given.acceleration:g} are no limits"
    if not given.reason.strip():
        yield f"{signal.name}: the limits have no reason"
    if not np.isfinite([max(own.lower, given.lower), min(own.upper, given.upper)]).all():
        yield f"{signal.name}: neither signal nor descriptor gives a range"


def readings_match(case: Case) -> None:
    with case.connected() as bench:
        wanted = {signal.name for signal in case.signals_read(bench.device)}
        for reading in (bench.complete(), bench.read()):
            count = len(reading.names)
            missing, surplus = sorted(wanted - set(reading.names)), sorted(set(reading.names) - wanted)
            expect(not missing and not surplus, f"the reading misses {missing or 'none'} and has surplus {surplus or 'none'}")
            expect(count == len(wanted), "the reading has a channel twice")
            _typed("values", reading.values, np.float64, count)
            _typed("times", reading.times, np.int64, count)
            _typed("fresh", reading.fresh, np.bool_, count)
            expect(bool(np.isfinite(reading.values[reading.fresh]).all()), "a fresh value is not finite")


def _typed(what: str, array: Any, dtype: type, count: int) -> None:
    expect(isinstance(array, np.ndarray), f"{what} is a {type(array).__name__}, not an array")
    expect(array.shape == (count,), f"{what} has shape {array.shape}, not ({count},)")
    expect(array.dtype == dtype, f"{what} is {array.dtype}, not {np.dtype(dtype)}")


def times_are_captures(case: Case) -> None:
    with case.connected() as bench:
        last = bench.complete()
        for _ in range(_READINGS):
            begun = time.monotonic_ns()
            reading = bench.read()
            now = time.monotonic_ns()
            fresh = reading.times[reading.fresh]
            expect(bool((fresh <= now).all()), "a value was captured in the future: times are time.monotonic_ns()")
            expect(bool((fresh >= begun - _RECENT_NS).all()), "a value that is called fresh was captured long before the read")
            expect(bool((reading.times >= last.times).all()), "the capture time of a channel went back")
            last = reading
        expect(bool((last.times > 0).all()), "a channel never had a capture time")


def silence_is_stale(case: Case) -> None:
    with case.connected() as bench:
        if bench.rig.mute is None:
            raise NotExercised("the rig has no `mute`")
        last = bench.complete()
        bench.rig.mute()
        for _ in bench.until(case.motion.settle_s):
            reading = _in_time(bench)
            if reading is None:
                return
            if not reading.fresh.any():
                _keeps(reading, last)
                return
            last = reading
        raise NotConforming("the device is silent, and its values still come as fresh")


def _keeps(reading: Reading, last: Reading) -> None:
    expect(reading.names == last.names, "the order of channels changes when the device falls silent")
    expect(bool((reading.values == last.values).all()), "a stale value is not the last one that was measured")
    expect(bool((reading.times == last.times).all()), "a stale value has a newer capture time")


def loss_is_seen(case: Case) -> None:
    with case.connected() as bench:
        bench.complete()
        bench.lose()
        for _ in bench.until(case.motion.settle_s):
            reading = _in_time(bench)
            if reading is None or not reading.fresh.any():
                break
        else:
            raise NotConforming("the device is unplugged, and its values still come as fresh")
        bench.device.disconnect()


def _in_time(bench: Bench) -> Reading | None:
    """One read that must come back near its deadline. None: the device said that it is lost."""
    motion, begun = bench.case.motion, time.monotonic()
    reading = bench.read_or_lost()
    late = time.monotonic() - begun - motion.deadline_s
    expect(late <= motion.grace_s, f"read came back {late:.2f} s after its deadline")
    return reading


def lost_while_used(case: Case) -> None:
    """After a loss, whatever the device says is meant for the user: no OSError of a library."""
    with case.connected() as bench:
        here = bench.pose()
        bench.lose()
        uses: dict[str, Callable[[], object]] = {"read": bench.read}
        if case.descriptor.kind == "robot":
            uses |= {"write": lambda: bench.device.write(here), "hold": bench.device.hold}
        for name, use in uses.items():
            _loses(name, use, bench)


def _loses(name: str, use: Callable[[], object], bench: Bench) -> None:
    try:
        for _ in bench.until(bench.case.motion.watch_s):
            use()
    except DeviceLost as error:
        expect(bool(str(error).strip()), f"{name} raises a DeviceLost without a message")
    except Exception as error:
        raise NotConforming(f"{name} of an unplugged device raises {error!r}, not DeviceLost") from error
