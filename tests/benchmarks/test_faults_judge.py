"""Whoever judges what a bad bus costs, judged: by episodes that are made up. Ticks come every 10 ms, rows every 20 ms."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from msgspec import structs
from power_life import HEADER, log_of
from tick_samples import idle_tick

from benchmarks.faults import Told, judge
from benchmarks.gaps import Gap, Outage, gaps_in, steps_over_limit
from benchmarks.results import BUSY, Run
from hilt.ipc.messages import Outcome, Phase, Source, Tick
from hilt.log import EpisodeLog, EpisodeWriter

NAMES = ["elbow_flex.pos", "gripper.pos"]
SO_ARM = structs.replace(HEADER, fps=50, interpolation=2, state_names=NAMES, action_names=NAMES)
MS, ROW_MS, ROWS = 1_000_000, 20, 20

Columns = dict[str, list[Any]]
Found = Callable[..., list[Gap]]


def row(number: int, **changes: Any) -> Tick:
    at_ns = number * ROW_MS * MS
    settled = {"frame": number, "time_ns": at_ns, "read_ns": at_ns + 2 * MS, "phase": Phase.HUMAN, "fresh": [True, True]}
    return idle_tick(**{**settled, **changes})


def columns(rows: int = ROWS) -> Columns:
    human = list(Source).index(Source.HUMAN)
    return {"hilt.boundary": [False] * rows, "hilt.measured_age_ms": [[1.0, 1.0]] * rows, "hilt.source": [human] * rows}


@pytest.fixture
def found(tmp_path: Path) -> Found:
    EpisodeWriter(log_of(tmp_path, 0), SO_ARM, episode=0, task="Pick the cube", started_ns=0).close(Outcome(saved=True))
    log = EpisodeLog(log_of(tmp_path, 0))

    def find(ticks: Sequence[Tick], data: Mapping[str, Any], *outages: Outage) -> list[Gap]:
        return list(gaps_in(log, ticks, data, outages))

    return find


def episode(changed: Mapping[int, Mapping[str, Any]] | None = None) -> list[Tick]:
    """changed: what is different in some of its rows. Every second tick starts no row."""
    rows = [row(number, **(changed or {}).get(number, {})) for number in range(ROWS)]
    return [tick for each in rows for tick in (each, idle_tick(time_ns=each.time_ns + 10 * MS))]


def test_an_episode_without_gaps(found: Found) -> None:
    assert found(episode(), columns()) == []


ROBOT_CUT, CUT_ROWS = Outage("robot", began_ns=100 * MS, ended_ns=200 * MS), (7, 8, 9)
"""Two ticks after it began nothing can have come any more."""


def test_an_outage_is_marked_by_ages_in_each_of_its_rows(found: Found) -> None:
    ticks, data = episode({number: {"fresh": [False, False]} for number in CUT_ROWS}), columns()
    for number in CUT_ROWS:
        data["hilt.measured_age_ms"][number] = [number * ROW_MS - 100.0] * 2
    assert found(ticks, data, ROBOT_CUT) == [Gap("robot", episode=0, first=7, rows=3, marked=True)]
    data["hilt.measured_age_ms"][8] = [60.0, 1.0]
    assert found(ticks, data, ROBOT_CUT) == [Gap("robot", episode=0, first=7, rows=3, marked=False)]


def test_a_leader_that_is_cut_off_while_it_leads_is_marked_by_a_hold(found: Found) -> None:
    cut, data = Outage("leader", began_ns=100 * MS, ended_ns=300 * MS), columns()
    data["hilt.source"][11:15] = [list(Source).index(Source.HOLD)] * 4
    assert found(episode(), data, cut) == [Gap("leader", episode=0, first=12, rows=3, marked=True)]
    data["hilt.source"][14] = list(Source).index(Source.HUMAN)
    assert found(episode(), data, cut) == [Gap("leader", episode=0, first=12, rows=3, marked=False)]
    assert found(episode({number: {"phase": Phase.AUTONOMOUS} for number in range(ROWS)}), data, cut) == []


def test_a_value_that_did_not_come_is_marked_by_its_own_age(found: Found) -> None:
    ticks, data = episode({4: {"fresh": [False, True]}, 5: {"fresh": [False, True]}, 9: {"fresh": [True, False]}}), columns()
    data["hilt.measured_age_ms"][4:6] = [[12.0, 1.0], [32.0, 1.0]]
    first, second = found(ticks, data)
    assert first == Gap("value", episode=0, first=4, rows=2, marked=True)
    assert second == Gap("value", episode=0, first=9, rows=1, marked=False)


def test_rows_that_are_missing_are_marked_by_a_boundary(found: Found) -> None:
    ticks, data = [tick for tick in episode() if tick.frame not in (6, 12)], columns(ROWS - 2)
    data["hilt.boundary"][6] = True
    first, second = found(ticks, data)
    assert first == Gap("rows", episode=0, first=6, rows=1, marked=True)
    assert second == Gap("rows", episode=0, first=11, rows=1, marked=False)


def test_a_log_that_is_not_that_of_the_dataset_is_refused(found: Found) -> None:
    with pytest.raises(RuntimeError, match="20 frames in the ticks, 19 in the dataset"):
        found(episode(), columns(ROWS - 1))


def test_a_step_is_over_the_limit_once_whatever_the_number_of_joints() -> None:
    """1.8 degrees of a joint and 3 percent of the gripper are what 10 ms allow."""
    allowed = [[0.0, 0.0], [1.8, 3.0], [0.0, 0.0]]
    over = [[1.9, 3.1], [1.9, 6.2], [0.0, 6.2]]
    assert steps_over_limit([idle_tick(sent=sent) for sent in allowed], SO_ARM) == 0
    assert steps_over_limit([idle_tick(sent=sent) for sent in [*allowed, *over]], SO_ARM) == 3


MARKED = Gap("robot", episode=0, first=7, rows=3, marked=True)
KEPT = Told("record", episodes=3, aborted=0, ticks=900, gaps=[MARKED], steps_over_limit=0, output="")


def test_sessions_that_a_bad_bus_cost_nothing() -> None:
    measured = judge([KEPT, evolve(KEPT, command="collect")], minutes=1.0)
    assert Run(measured, others=2 * BUSY).verdict == "no verdict"
    assert Run(measured, others=0.0).verdict == "met"
    metrics = measured.metrics
    assert (metrics["sessions"], metrics["episodes"], metrics["ticks"], metrics["outages_in_data"]) == (2, 6, 1800, 2)
    assert (metrics["gaps"], metrics["gaps_marked"]) == (2, 2)


@pytest.mark.parametrize(
    "cost",
    [
        {"aborted": 1, "output": "refused"},
        {"gaps": [MARKED, Gap("value", episode=1, first=4, rows=1, marked=False)]},
        {"steps_over_limit": 1},
        {"gaps": []},
    ],
    ids=["an episode", "a gap that is not marked", "a step over the limit", "no outage at all"],
)
def test_each_cost_misses_the_bar_however_busy_the_machine_is(cost: Mapping[str, Any]) -> None:
    measured = judge([evolve(KEPT, **cost)], minutes=1.0)
    assert Run(measured, others=2 * BUSY).verdict == "missed"
    assert [check.value for check in measured.checks].count(1.0) == 1
    assert len(measured.details["unmarked"]) == measured.metrics["gaps"] - measured.metrics["gaps_marked"]
    assert measured.details["aborted"] == [text for text in [cost.get("output")] if text]
