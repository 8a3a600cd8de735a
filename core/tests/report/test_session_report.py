"""The report of a session says what its logs say."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from page_reader import Page
from report_logs import HEADER, NAMES, grey, make_tick, write_log

from hilt.ipc.messages import Outcome, Phase, Segment, Source
from hilt.log import EpisodeLog
from hilt.report import session_report
from hilt.report.episode import CORRECTION, DEMONSTRATION, HOLD, POLICY, RECOVERY, read_episode
from hilt.report.stills import stills
from hilt_hooks import HiltError


def page_of(logs: list[Path], folder: Path) -> Page:
    return Page(session_report(logs, folder / "report.html").read_text(encoding="utf-8"))


def test_facts_of_an_episode(tmp_path: Path) -> None:
    facts = read_episode(write_log(tmp_path))
    assert (facts.frames, facts.repeats, facts.interventions, facts.result) == (40, 4, 2, "success")
    tick = 1 / 60
    expected = {POLICY: 2.0, HOLD: 0.5, RECOVERY: 0.5, CORRECTION: 1.5 - tick}
    assert facts.seconds == pytest.approx(expected)
    assert facts.duration == pytest.approx(4.5 - tick)
    assert facts.trace.lateness_ms.max() == pytest.approx(20)
    assert facts.trace.gaps_ms.max() == pytest.approx(1000 / 60 + 19.9, abs=1e-5)
    assert facts.trace.alarms == ((pytest.approx(40 / 60), "pan.pos lags"),)
    assert facts.trace.faults == ((pytest.approx(50 / 60), "pan.pos is lost"),)
    assert facts.trace.limited == {"pan.pos": 27}
    assert np.isnan(facts.trace.measured[3, 0])
    assert facts.trace.measured[3, 1] == 2.0


def test_the_wait_before_an_episode_is_in_no_figure(tmp_path: Path) -> None:
    """In the reset the leader drove, and a command was late."""
    reset = [make_tick(k, Source.HUMAN, Segment.AUTONOMOUS, late_ns=30_000_000) for k in range(-64, -30)]
    ready = [make_tick(k, Source.HOLD, Segment.AUTONOMOUS) for k in range(-30, 0)]
    phases = [(tick, Phase.RESET) for tick in reset] + [(tick, Phase.READY) for tick in ready]
    before = [msgspec.structs.replace(tick, phase=phase) for tick, phase in phases]
    (tmp_path / "plain").mkdir()
    plain, waited = read_episode(write_log(tmp_path / "plain")), read_episode(write_log(tmp_path, before=before))
    assert (waited.duration, waited.seconds, waited.interventions) == (plain.duration, plain.seconds, plain.interventions)
    assert waited.trace.spans == plain.trace.spans
    assert waited.trace.lateness_ms.max() == plain.trace.lateness_ms.max()


def test_an_arm_that_is_held_under_a_person_is_not_taken_over_anew(tmp_path: Path) -> None:
    whose = [Source.HUMAN] * 10 + [Source.HOLD] * 2 + [Source.HUMAN] * 10
    driven = [make_tick(k, source, Segment.RECOVERY) for k, source in enumerate(whose, start=-len(whose))]
    before = [msgspec.structs.replace(tick, phase=Phase.HUMAN) for tick in driven]
    assert read_episode(write_log(tmp_path, before=before)).interventions == 1 + 2


def test_recovery_and_correction_are_one_intervention(tmp_path: Path) -> None:
    spans = read_episode(write_log(tmp_path)).trace.spans
    assert [span.commander for span in spans] == [POLICY, HOLD, RECOVERY, CORRECTION, POLICY, CORRECTION]
    assert [span.start for span in spans] == pytest.approx([0, 1, 1.5, 2, 3, 4])
    assert all(before.end == after.start for before, after in pairwise(spans))


def test_a_demonstration_is_no_intervention(tmp_path: Path) -> None:
    facts = read_episode(write_log(tmp_path, header=msgspec.structs.replace(HEADER, policy="")))
    assert facts.interventions == 0
    assert set(facts.seconds) == {POLICY, HOLD, DEMONSTRATION}


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Outcome(saved=True, success=False), "failure"),
        (Outcome(saved=True), "unlabelled"),
        (Outcome(saved=False), "unlabelled, discarded"),
        (Outcome(saved=True, recovered=True), "unlabelled, recovered"),
        (None, "cut off"),
    ],
)
def test_results(tmp_path: Path, outcome: Outcome | None, result: str) -> None:
    assert read_episode(write_log(tmp_path, rows=2, outcome=outcome)).result == result


def test_summary_of_a_session(tmp_path: Path) -> None:
    logs = [
        write_log(tmp_path, 0),
        write_log(tmp_path, 1, outcome=Outcome(saved=True, success=False)),
        write_log(tmp_path, 2, outcome=None),
    ]
    page = page_of(logs, tmp_path)
    totals = dict(page.tables[0][1:])
    assert totals["episodes"] == "3"
    assert totals["frames"] == "120"
    assert totals["success"] == "1 of 2 labelled"
    assert totals["interventions"] == "6"
    assert totals["policy (s)"] == "6.00"
    assert totals["largest gap between commands (ms)"] == "36.57"
    assert totals["repeated images"] == "12"
    head, *rows = page.tables[1]
    assert [dict(zip(head, row, strict=True))["result"] for row in rows] == ["success", "failure", "cut off"]
    assert "replay (s)" not in head


def test_page_of_one_episode(tmp_path: Path) -> None:
    page = page_of([write_log(tmp_path)], tmp_path)
    assert page.tags.count("img") == 16
    assert page.tags.count("svg") == 2
    for text in (*NAMES, "measured", "sent", "policy", "human recovery", "human correction", "hold", "p99", "Pick <b>it</b> up"):
        assert text in page.text
    assert page.tables[-1][1:] == [
        ["0.00", "event", "start (keys): ready to autonomous"],
        ["0.67", "alarm", "pan.pos lags"],
        ["0.83", "fault", "pan.pos is lost"],
        ["1.50", "note", "camera wrist lost"],
    ]
    assert "pan.pos 10.0%" in page.text


def test_long_sessions_are_folded(tmp_path: Path) -> None:
    few = page_of([write_log(tmp_path, episode, rows=2) for episode in range(3)], tmp_path)
    assert "details" not in few.tags
    many = page_of([*sorted(tmp_path.glob("*.mcap")), write_log(tmp_path, 3, rows=2)], tmp_path)
    assert many.tags.count("details") == 4


def test_an_unreadable_log_is_a_line(tmp_path: Path) -> None:
    broken = tmp_path / "episode-000009.mcap"
    broken.write_bytes(b"no log")
    page = page_of([write_log(tmp_path, rows=2), broken], tmp_path)
    assert "episode-000009.mcap: not an episode log" in page.text
    assert page.tables[0][1] == ["episodes", "1"]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "episode-000009.mcap"
    broken.write_bytes(b"no log")
    with pytest.raises(HiltError, match="no episode to report on"):
        session_report([broken], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_short_episodes(tmp_path: Path, rows: int) -> None:
    assert page_of([write_log(tmp_path, rows=rows)], tmp_path).tags.count("img") == 2 * rows


def test_an_episode_without_ticks_or_cameras(tmp_path: Path) -> None:
    header = msgspec.structs.replace(HEADER, cameras=[], columns=[])
    page = page_of([write_log(tmp_path, story=(), header=header)], tmp_path)
    assert "svg" not in page.tags
    assert dict(page.tables[0][1:])["largest gap between commands (ms)"] == "–"  # noqa: RUF001


def test_stills_are_the_images_of_their_rows(tmp_path: Path) -> None:
    log = EpisodeLog(write_log(tmp_path))
    rows = [0, 4, 5, 17, 39]
    brightness = [image.mean() for image in stills(log, "front", rows)]
    assert brightness == pytest.approx([grey(row) for row in rows], abs=1.5)
