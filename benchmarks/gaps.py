"""Where an episode lacks something, and whether its dataset says so."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from hilt.ipc.messages import Header, Phase, Source, Tick
from hilt.log import EpisodeLog
from hilt.rig.engine import STALE_S
from hilt_robot_so.plugin import LIMITS

_ROUNDING_MS = 1.0
_TOLERANCE = 1e-6


@frozen
class Outage:
    """A time in which nothing passed the bus of an arm, ns."""

    arm: str
    began_ns: int
    ended_ns: int


@frozen
class Gap:
    """kind: `robot` or `leader` for a bus that was cut; `value` for positions that did not arrive; `rows` for missing rows.

    first, rows: which rows of the episode.
    """

    kind: str
    episode: int
    first: int
    rows: int
    marked: bool


def gaps_in(log: EpisodeLog, ticks: Sequence[Tick], columns: Mapping[str, Any], outages: Sequence[Outage]) -> Iterator[Gap]:
    """columns: of the same episode in the dataset. outages: what the bench says it did."""
    framed = [tick for tick in ticks if tick.frame >= 0]
    times = np.array([tick.time_ns for tick in framed])
    if len(framed) != len(columns["hilt.boundary"]):
        raise RuntimeError(f"{log.path}: {len(framed)} frames in the ticks, {len(columns['hilt.boundary'])} in the dataset")
    episode = Episode(log, framed, times, columns)
    cut = [gap for outage in outages for gap in episode.cut(outage)]
    yield from cut
    yield from episode.values_missing({row for gap in cut for row in range(gap.first, gap.first + gap.rows)})
    yield from episode.rows_missing()


@frozen(eq=False)
class Episode:
    log: EpisodeLog
    ticks: Sequence[Tick]
    times: Any
    columns: Mapping[str, Any]

    @property
    def _tick_ms(self) -> float:
        return 1e3 / (self.log.header.fps * self.log.header.interpolation)

    def cut(self, outage: Outage) -> Iterator[Gap]:
        """A row is marked by the age of its values; one without a leader, once that is acted upon, by the source that holds."""
        late = outage.began_ns if outage.arm == "robot" else outage.began_ns + int(STALE_S * 1e9)
        read = np.array([tick.read_ns for tick in self.ticks])
        rows = np.flatnonzero((self.times > late + self._tick_ms * 2e6) & (read < outage.ended_ns))
        if outage.arm == "leader":
            rows = np.array([row for row in rows if self.ticks[row].phase == Phase.HUMAN])
        if len(rows):
            marks = self._old(outage) if outage.arm == "robot" else self._held
            yield self._gap(outage.arm, rows, marks)

    def values_missing(self, known: Collection[int]) -> Iterator[Gap]:
        """Single answers that did not come, or came damaged. known: rows of which this is known."""
        missing = [row for row, tick in enumerate(self.ticks) if not all(tick.fresh) and row not in known]
        for rows in _runs(missing):
            yield self._gap("value", rows, self._stale)

    def rows_missing(self) -> Iterator[Gap]:
        far = np.diff(self.times) > 1.5e9 / self.log.header.fps
        for row in np.flatnonzero(far) + 1:
            yield self._gap("rows", np.array([row]), lambda row: bool(self.columns["hilt.boundary"][row]))

    def _gap(self, kind: str, rows: Any, marked: Callable[[int], bool]) -> Gap:
        return Gap(kind, self.log.episode, int(rows[0]), len(rows), all(marked(int(row)) for row in rows))

    def _old(self, outage: Outage) -> Callable[[int], bool]:
        def marked(row: int) -> bool:
            at_least_ms = (self.times[row] - outage.began_ns) / 1e6 - _ROUNDING_MS
            return bool(np.min(self.columns["hilt.measured_age_ms"][row]) >= at_least_ms)

        return marked

    def _held(self, row: int) -> bool:
        return bool(self.columns["hilt.source"][row] == list(Source).index(Source.HOLD))

    def _stale(self, row: int) -> bool:
        """Each value that did not come is older than the tick that it should have come in."""
        ages = self.columns["hilt.measured_age_ms"][row]
        return all(
            age > self._tick_ms - _ROUNDING_MS for age, fresh in zip(ages, self.ticks[row].fresh, strict=True) if not fresh
        )


def steps_over_limit(ticks: Sequence[Tick], header: Header) -> int:
    """How many commands went further from the one before than the velocity limit allows in a tick."""
    names = [name.removesuffix(".pos") for name in header.action_names]
    fastest = np.array([LIMITS.get(f"{name}.pos", LIMITS["*"]).velocity for name in names])
    sent = np.array([tick.sent for tick in ticks])
    steps = np.abs(np.diff(sent, axis=0))
    return int((steps > fastest / (header.fps * header.interpolation) + _TOLERANCE).any(axis=1).sum())


def _runs(rows: Sequence[int]) -> Iterator[Any]:
    """Rows that follow one another, together."""
    if rows:
        yield from np.split(np.array(rows), np.flatnonzero(np.diff(rows) > 1) + 1)
