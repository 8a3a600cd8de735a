"""Whoever judges how late commands are, judged: by commands that are made up."""

import os
from collections.abc import Mapping

import numpy as np
import pytest
from attrs import evolve
from msgspec import structs
from tick_samples import idle_tick

from benchmarks.collecting import Trace
from benchmarks.tick import EXCESS_BAR_MS, GAP_BAR_MS, judge, timing

MS = 1_000_000
PERIOD_MS, START_MS, WRITTEN_MS = 10, 5_000, 0.5


def trace(late_ms: Mapping[int, float], control_ms: float = 0.0) -> Trace:
    """late_ms: by number of the tick, how late its command arrived. control_ms: how late the sleeper woke, always."""
    due_ns = {k: (START_MS + k * PERIOD_MS) * MS for k in late_ms}
    return Trace(
        period_ns=PERIOD_MS * MS,
        ticks=[idle_tick(k=k, time_ns=due, wrote_ns=due + round(WRITTEN_MS * MS), read_ns=due) for k, due in due_ns.items()],
        arrivals=[due + round(late_ms[k] * MS) for k, due in due_ns.items()],
        control=[(due, due + round(control_ms * MS)) for due in due_ns.values()],
        scheduler=(os.SCHED_FIFO, 10),
    )


ON_TIME = dict.fromkeys(range(3, 9), 1.0)
ONE_LATE = ON_TIME | {6: 7.0}
ONE_LEFT_OUT = {k: late for k, late in ON_TIME.items() if k != 5}


def test_lateness_is_counted_from_a_grid_that_never_moves() -> None:
    found = timing(trace(ONE_LATE, control_ms=0.25))
    np.testing.assert_allclose(found.lateness, [1, 1, 1, 7, 1, 1])
    np.testing.assert_allclose(found.written, WRITTEN_MS)
    np.testing.assert_allclose(found.wire, [0.5, 0.5, 0.5, 6.5, 0.5, 0.5])
    np.testing.assert_allclose(found.control, 0.25)
    np.testing.assert_allclose(found.gaps, [10, 10, 16, 4, 10])


def test_a_tick_that_was_left_out_counts_until_the_next_command() -> None:
    np.testing.assert_allclose(timing(trace(ONE_LEFT_OUT)).lateness, [1, 1, 11, 1, 1, 1])
    metrics = judge(trace(ONE_LEFT_OUT)).metrics
    assert (metrics["ticks"], metrics["left_out"]) == (5, 1)


def test_a_grid_that_moved_once_is_refused() -> None:
    sound = trace(ON_TIME)
    last = structs.replace(sound.ticks[-1], time_ns=sound.ticks[-1].time_ns + 1)
    with pytest.raises(RuntimeError, match="moved its grid"):
        judge(evolve(sound, ticks=[*sound.ticks[:-1], last]))


def met(found: Trace) -> tuple[bool, bool]:
    """Whether the lateness is, and whether the largest gap is."""
    lateness, gap = judge(found).checks
    return lateness.met, gap.met


def test_lateness_is_judged_by_what_it_is_over_the_control() -> None:
    late = dict.fromkeys(range(3, 9), EXCESS_BAR_MS + 2)
    assert met(trace(ON_TIME)) == (True, True)
    assert met(trace(late)) == (False, True)
    assert met(trace(late, control_ms=2.5)) == (True, True)


def test_a_single_gap_is_judged_wherever_it_is() -> None:
    far = dict.fromkeys((*range(100), *range(106, 1500)), 0.0)
    assert judge(trace(far)).metrics["largest_gap_ms"] == pytest.approx(70)
    assert met(trace(far)) == (True, False)
    assert met(trace(far, control_ms=70.5 - GAP_BAR_MS)) == (True, True)


def test_the_latest_command_is_told_first() -> None:
    details = judge(trace(ONE_LEFT_OUT | {6: 9.0})).details
    latest = details["worst"][0]
    assert (latest["k"], latest["left_out"], latest["late_ms"]) == (6, 1, pytest.approx(9.0))
    assert (details["phases"], details["scheduler"]) == (["ready"], "SCHED_FIFO 10")
