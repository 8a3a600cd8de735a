"""One episode's log as arrays, and the numbers that say how it went."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from hilt.ipc.messages import EventSeen, Header, Outcome, Phase, Row, Segment, Source, Tick
from hilt.log import EpisodeLog
from hilt_hooks import Floats

POLICY, RECOVERY, CORRECTION, HOLD, RAMP, REPLAY = "policy", "human recovery", "human correction", "hold", "ramp", "replay"
DEMONSTRATION = "human"
COMMANDERS = (POLICY, DEMONSTRATION, RECOVERY, CORRECTION, HOLD, RAMP, REPLAY)
"""Who can be in command, as reports call it."""

_WAITS = {Phase.RESET, Phase.READY}
"""Phases before an episode; the last ticks of them are in its log."""

_BY_SOURCE = {Source.POLICY: POLICY, Source.HOLD: HOLD, Source.RAMP: RAMP, Source.REPLAY: REPLAY}


@frozen
class Span:
    """A stretch of time under one commander. Seconds since the start of the episode."""

    commander: str
    start: float
    end: float


@frozen(eq=False)
class Trace:
    """What the rig did from the begin of the episode on. n ticks, s state channels, a action channels.

    times: (n,) s. measured: (n, s), NaN where not fresh. sent: (n, a). lateness_ms: (n,), how long after its place on the
    grid a command went out. gaps_ms: (n - 1,), between one command and the next.
    """

    times: Floats
    measured: Floats
    sent: Floats
    lateness_ms: Floats
    gaps_ms: Floats
    spans: tuple[Span, ...]
    alarms: tuple[tuple[float, str], ...]
    faults: tuple[tuple[float, str], ...]
    limited: Counter[str]
    interventions: int


@frozen(eq=False)
class EpisodeFacts:
    """An episode, read. repeats: images that were used for more than one frame, over all cameras."""

    log: EpisodeLog
    header: Header
    outcome: Outcome | None
    frames: int
    row_times: Floats
    repeats: int
    trace: Trace
    events: tuple[EventSeen, ...]
    notes: tuple[tuple[float, str], ...]
    seconds: dict[str, float] = field(factory=dict)

    @property
    def interventions(self) -> int:
        """How often a person took over; recovery and correction are together one."""
        return self.trace.interventions

    @property
    def duration(self) -> float:
        return float(self.trace.times[-1] - self.trace.times[0]) if len(self.trace.times) else 0.0

    @property
    def result(self) -> str:
        if self.outcome is None:
            return "cut off"
        words = {True: "success", False: "failure", None: "unlabelled"}[self.outcome.success]
        return words + (", recovered" if self.outcome.recovered else "") + ("" if self.outcome.saved else ", discarded")


def read_episode(path: Path) -> EpisodeFacts:
    """Raises HiltError when the file is no episode log."""
    log = EpisodeLog(path)
    trace = _trace([tick for tick in log.ticks() if tick.phase not in _WAITS], log)
    row_times: list[float] = []
    repeats = 0
    for row in log.rows():
        row_times.append((row.time_ns - log.started_ns) / 1e9)
        repeats += _repeats(row, log.header)
    seconds: dict[str, float] = {}
    for span in trace.spans:
        seconds[span.commander] = seconds.get(span.commander, 0.0) + span.end - span.start
    return EpisodeFacts(
        log=log,
        header=log.header,
        outcome=log.outcome,
        frames=len(row_times),
        row_times=np.array(row_times),
        repeats=repeats,
        trace=trace,
        events=tuple(log.events()),
        notes=tuple(((time_ns - log.started_ns) / 1e9, text) for time_ns, text in log.notes()),
        seconds=seconds,
    )


def _repeats(row: Row, header: Header) -> int:
    return sum(bool(np.any(row.values.get(f"hilt.{camera.name}.repeated", False))) for camera in header.cameras)


def _trace(ticks: list[Tick], log: EpisodeLog) -> Trace:
    times = _seconds([tick.time_ns for tick in ticks], log.started_ns)
    wrote = np.array([tick.wrote_ns for tick in ticks], dtype=np.int64)
    measured = _matrix([tick.measured for tick in ticks], len(log.header.state_names))
    fresh = np.array([tick.fresh for tick in ticks], dtype=bool).reshape(measured.shape)
    return Trace(
        times=times,
        measured=np.where(fresh, measured, np.nan),
        sent=_matrix([tick.sent for tick in ticks], len(log.header.action_names)),
        lateness_ms=(wrote - np.array([tick.time_ns for tick in ticks], dtype=np.int64)) / 1e6,
        gaps_ms=np.diff(wrote) / 1e6,
        spans=tuple(_spans(ticks, times, bool(log.header.policy))),
        alarms=tuple(_begun((tick.alarm for tick in ticks), times)),
        faults=tuple(_begun((tick.fault for tick in ticks), times)),
        limited=Counter(name for tick in ticks for name in set(tick.limited)),
        interventions=_takeovers(ticks) if log.header.policy else 0,
    )


def _matrix(rows: list[list[float]], channels: int) -> Floats:
    return np.array(rows, dtype=np.float64).reshape(len(rows), channels)


def _seconds(times_ns: list[int], started_ns: int) -> Floats:
    relative: NDArray[np.int64] = np.array(times_ns, dtype=np.int64) - started_ns
    return relative / 1e9


def _commander(tick: Tick, policy: bool) -> str:
    if tick.source is Source.HUMAN:
        if not policy:
            return DEMONSTRATION
        return CORRECTION if tick.segment is Segment.CORRECTION else RECOVERY
    return _BY_SOURCE[tick.source]


def _takeovers(ticks: list[Tick]) -> int:
    """As the session counts them: an arm that is held while a person drives is not taken over anew."""
    human = [tick.phase is Phase.HUMAN for tick in ticks]
    return sum(now and not before for before, now in zip([False, *human], human, strict=False))


def _spans(ticks: list[Tick], times: Floats, policy: bool) -> Iterator[Span]:
    """Stretches of one commander; each lasts until the next one begins."""
    stretches = groupby(_named(ticks, times, policy), key=lambda each: each[0])
    starts = [(commander, float(next(group)[1])) for commander, group in stretches]
    ends = [*(start for _, start in starts[1:]), float(times[-1]) if len(times) else 0.0]
    return (Span(commander, start, end) for (commander, start), end in zip(starts, ends, strict=False))


def _named(ticks: list[Tick], times: Floats, policy: bool) -> Iterator[tuple[str, float]]:
    return zip((_commander(tick, policy) for tick in ticks), times.tolist(), strict=True)


def _begun(texts: Iterable[str], times: Floats) -> Iterator[tuple[float, str]]:
    """When each text appeared."""
    for text, group in groupby(zip(texts, times.tolist(), strict=True), key=lambda each: each[0]):
        if text:
            yield next(group)[1], text
