"""Rules for inputs: events, reading without waiting, bindings, phases, scripts."""

import math
import threading
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from hilt_hooks.inputs import Edge, InputEvent, Rehearses, ShowsPhase
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.input_rig import InputBench, InputCase, moved, pressed, told
from hilt_hooks.testing.protocols import implements, mismatches

_ROUNDS = 3
_IDLE_READS = 200
_READ_S = 0.005
"""In less, a session renews its lease and asks its other inputs."""
_PHASES = ("ready", "autonomous", "paused", "human", "saved", "discarded", "reset", "fault")
_WAKE_UPS = 10
"""So often may a descriptor wake its reader for nothing: an event device reports more than keys."""


def bindings_are_known(case: InputCase) -> None:
    with case.bench() as bench:
        bindings = bench.device.bindings
        expect(bool(bindings), "an input without bindings")
        wrong = [control for control, meaning in bindings.items() if not (_is_text(control) and _is_meaning(meaning))]
        expect(not wrong, f"neither an event nor a mapping from phases to events: {', '.join(map(repr, wrong))}")
        if not getattr(bench.rig.config, "bindings", None):
            expect(dict(bindings) == dict(case.descriptor.bindings), "the bindings are not those of the descriptor")
        unbound = sorted(set(bench.rig.controls) - set(bindings))
        expect(not unbound, f"the rig taps {', '.join(unbound)}, which the bindings do not know")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_meaning(meaning: Any) -> bool:
    pairs = meaning if isinstance(meaning, Mapping) else {"any": meaning}
    return bool(pairs) and all(_is_text(phase) and _is_text(event) for phase, event in pairs.items())


def events_are_complete(case: InputCase) -> None:
    """Also: an event comes under the name that the bindings have for its control."""
    with case.connected() as bench:
        begun = time.monotonic_ns()
        press, *_ = bench.tap()
        events = bench.gather([press])
        for event in events:
            _complete(event)
            timely = begun <= event.time_ns <= time.monotonic_ns()
            expect(timely, "the time of an event is not when it happened, by time.monotonic_ns()")
        strange = sorted({event.control for event in events} - {press[0]})
        expect(not strange, f"{press[0]} was tapped, and it reports {', '.join(strange)}")


def _complete(event: Any) -> None:
    expect(isinstance(event, InputEvent), f"read gives a {type(event).__name__}, not an InputEvent")
    expect(_is_text(event.device), "an event does not say which device it is from")
    expect(isinstance(event.edge, Edge), f"the edge is {event.edge!r}, not an Edge")
    expect(isinstance(event.time_ns, int), f"time_ns is a {type(event.time_ns).__name__}, not an int")


def releases_are_as_said(case: InputCase) -> None:
    with case.connected() as bench:
        for _ in bench.rig.controls:
            expected = bench.tap()
            found = [moved(event) for event in (*bench.gather(expected[:1]), *bench.rest())]
            reports = bench.device.reports_releases
            expect(found == expected, f"reports_releases is {reports}: it should say {told(expected)}, and says {told(found)}")


def presses_come_once(case: InputCase) -> None:
    """One by one, then many at once."""
    with case.connected() as bench:
        for count in (1, 1, _ROUNDS * len(bench.rig.controls)):
            tapped = [bench.tap()[0] for _ in range(count)]
            events = (*bench.gather(tapped), *bench.rest())
            found = [moved(event) for event in events if pressed(event)]
            expect(found == tapped, f"pressed was {told(tapped)}, and it says {told(found)}")


def reading_never_waits(case: InputCase) -> None:
    """In a thread, for a read that waits for ever must not hang the tests. A busy machine delays some reads, not half of them."""
    done: list[object] = []
    took: list[float] = []
    failures: list[Exception] = []
    late = threading.Event()

    def run() -> None:
        try:
            while len(done) < _IDLE_READS and not late.is_set():
                begun = time.monotonic()
                done.append(bench.device.read())
                took.append(time.monotonic() - begun)
        except Exception as error:
            failures.append(error)

    with case.connected() as bench:
        thread = threading.Thread(target=run, name="input under test", daemon=True)
        thread.start()
        thread.join(case.patience.settle_s)
        late.set()
        typical = median(took) if took else math.inf
    expect(not failures, f"read fails when there is no event: {failures[:1]}")
    expect(typical <= _READ_S, f"a read without an event takes {typical * 1000:.1f} ms")
    expect(not any(done), "read gives events that nobody has caused")


def descriptor_wakes(case: InputCase) -> None:
    with case.connected() as bench:
        fd = bench.device.fileno()
        if fd is None:
            raise NotExercised("fileno is None: the input is asked every few milliseconds")
        expect(isinstance(fd, int), f"fileno gives a {type(fd).__name__}")
        for count in (1, _ROUNDS):
            tapped = [bench.tap()[0] for _ in range(count)]
            _wakes_for(bench, len(tapped))
            _sleeps(bench)


def _wakes_for(bench: InputBench, count: int) -> None:
    """All presses must come in reads to which the descriptor called: what is kept back waits for the next press."""
    found = 0
    while found < count:
        woken = bench.readable(bench.case.patience.settle_s)
        news = sum(pressed(event) for event in bench.device.read())
        expect(woken or not news, f"{news} presses wait, and fileno is not readable")
        expect(woken, f"{count - found} of {count} presses never came")
        found += news


def _sleeps(bench: InputBench) -> None:
    end, woken = time.monotonic() + bench.case.patience.watch_s, 0
    while (left := end - time.monotonic()) > 0 and bench.readable(left):
        bench.device.read()
        woken += 1
        expect(woken <= _WAKE_UPS, "fileno stays readable when no event waits: a session would spin")


def the_past_does_not_count(case: InputCase) -> None:
    """A `start` from before the session, or from while the input was away, must not move an arm."""
    with case.bench() as bench:
        for _ in range(2):
            bench.tap()
            bench.device.connect()
            early = [moved(event) for event in bench.rest()]
            expect(not early, f"it says {told(early)} after connect, of what was pressed before")
            bench.works()
            bench.device.disconnect()


def phases_do_not_wait(case: InputCase) -> None:
    with case.connected() as bench:
        if not implements(bench.device, ShowsPhase):
            raise NotExercised("it shows no phases")
        wrong = list(mismatches(bench.device, ShowsPhase))
        expect(not wrong, "; ".join(wrong))
        _show_all(bench)
        if bench.rig.unplug is not None:
            bench.lose()
            _show_all(bench)


def _show_all(bench: InputBench) -> None:
    """The session does not know yet that an input is gone when it shows the next phase."""
    begun = time.monotonic()
    for episode in range(_ROUNDS):
        for phase in _PHASES:
            try:
                bench.device.show_phase(phase, episode)
            except Exception as error:
                raise NotConforming(f"show_phase raises {error!r}: the session would end with it") from error
    late = time.monotonic() - begun
    expect(late <= bench.case.patience.grace_s, f"{_ROUNDS * len(_PHASES)} calls of show_phase took {late:.2f} s")


def scripts_say_so(case: InputCase) -> None:
    """A script stands in for a person only where nothing real can move; what is not a known emulator is real."""
    with case.bench() as bench:
        rehearses, scripted = implements(bench.device, Rehearses), case.descriptor.scripted
        expect(
            rehearses == scripted,
            f"the descriptor says scripted={scripted}, and `emulated` is {'' if rehearses else 'not '}there",
        )
        if scripted:
            wrong = list(mismatches(bench.device, Rehearses))
            expect(not wrong, "; ".join(wrong))
            expect(bench.device.emulated(object()) is False, "it takes a robot for emulated of which it knows nothing")
