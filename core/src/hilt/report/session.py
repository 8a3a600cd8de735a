"""The report of a session, made from the logs of its episodes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from hilt.report.document import Cell, Image, Link, Report, Section
from hilt.report.episode import COMMANDERS, EpisodeFacts, read_episode
from hilt.report.stills import stills
from hilt_hooks import HiltError

STILLS = 8
OPEN_EPISODES = 3
"""Where a session has more episodes than this, only their headings show until they are opened."""


def session_report(logs: Sequence[Path], out: Path) -> Path:
    """Write the report of these episode logs to `out`, an .html file, and give its path.

    A file that cannot be read is a line in the report. Raises HiltError when there is none that can.
    """
    episodes, unreadable = _read(sorted(logs))
    if not episodes:
        raise HiltError("\n".join(["there is no episode to report on", *unreadable]))
    report = Report(f"Session {episodes[0].header.session}", _subtitle(episodes))
    summary = report.section("Summary")
    sections = [_episode(report, facts, collapsed=len(episodes) > OPEN_EPISODES) for facts in episodes]
    _summary(summary, episodes, sections)
    for line in unreadable:
        summary.text(line)
    return report.write(out)


def _read(paths: Sequence[Path]) -> tuple[list[EpisodeFacts], list[str]]:
    episodes, unreadable = [], []
    for path in paths:
        try:
            episodes.append(read_episode(path))
        except HiltError as error:
            unreadable.append(str(error))
        except msgspec.ValidationError as error:
            unreadable.append(f"{path}: its messages are those of another version ({error})")
    return episodes, unreadable


def _subtitle(episodes: Sequence[EpisodeFacts]) -> str:
    header = episodes[0].header
    tasks = ", ".join(dict.fromkeys(facts.log.task for facts in episodes))
    policy = f", policy {header.policy}" if header.policy else ""
    return f"{tasks}. {header.robot_type}, {header.fps} frames/s, {header.fps * header.interpolation} commands/s{policy}"


def _summary(section: Section, episodes: Sequence[EpisodeFacts], sections: Sequence[Section]) -> None:
    section.table(["", "whole session"], _totals(episodes))
    if len(episodes) > 1:
        from hilt.report.plots import overview

        section.figure(overview(episodes), alt="Seconds of each episode by who was in command")
    names = _commanders(episodes)
    columns = ["episode", "result", "frames", "with pauses (s)", "interventions", *(f"{name} (s)" for name in names)]
    section.table(
        [*columns, "largest gap (ms)", "late p99 (ms)", "repeats"],
        [_row(facts, each, names) for facts, each in zip(episodes, sections, strict=True)],
    )


def _row(facts: EpisodeFacts, section: Section, names: Sequence[str]) -> list[Cell]:
    return [
        Link(f"{facts.log.episode}", section),
        facts.result,
        facts.frames,
        facts.duration,
        facts.interventions,
        *(facts.seconds.get(name, 0.0) for name in names),
        _largest(facts.trace.gaps_ms),
        _percentile(facts.trace.lateness_ms, 99),
        facts.repeats,
    ]


def _totals(episodes: Sequence[EpisodeFacts]) -> Iterator[list[Cell]]:
    labels = [facts.outcome.success for facts in episodes if facts.outcome and facts.outcome.success is not None]
    yield ["episodes", len(episodes)]
    yield ["frames", sum(facts.frames for facts in episodes)]
    yield ["success", f"{sum(labels)} of {len(labels)} labelled"]
    yield ["interventions", sum(facts.interventions for facts in episodes)]
    for name in _commanders(episodes):
        yield [f"{name} (s)", sum(facts.seconds.get(name, 0.0) for facts in episodes)]
    yield ["largest gap between commands (ms)", _largest(np.concatenate([facts.trace.gaps_ms for facts in episodes]))]
    yield ["repeated images", sum(facts.repeats for facts in episodes)]


def _commanders(episodes: Sequence[EpisodeFacts]) -> list[str]:
    return [name for name in COMMANDERS if any(name in facts.seconds for facts in episodes)]


def _episode(report: Report, facts: EpisodeFacts, *, collapsed: bool) -> Section:
    section = report.section(f"Episode {facts.log.episode}: {facts.result}", collapsed=collapsed)
    section.text(_sentence(facts))
    _strips(section, facts)
    if len(facts.trace.times):
        from hilt.report.plots import lateness, traces

        section.figure(traces(facts), alt="Measured and sent position of every channel over time, by who was in command")
        section.figure(lateness(facts), alt="How late each command went out")
    happened = sorted(_happened(facts))
    if happened:
        section.table(["time (s)", "what", "detail"], happened)
    return section


def _sentence(facts: EpisodeFacts) -> str:
    parts = [f"{facts.log.task}: {facts.frames} frames, {facts.duration:.1f} s with pauses, {_interventions(facts)}."]
    if facts.trace.limited:
        shares = [f"{name} {count / len(facts.trace.times):.1%}" for name, count in facts.trace.limited.most_common(6)]
        parts.append(f"Commands that the governor limited: {', '.join(shares)}.")
    return " ".join(parts)


def _interventions(facts: EpisodeFacts) -> str:
    count = facts.interventions
    return f"{count or 'no'} intervention{'' if count == 1 else 's'}"


def _strips(section: Section, facts: EpisodeFacts) -> None:
    rows = sorted({int(row) for row in np.linspace(0, facts.frames - 1, STILLS)}) if facts.frames else []
    for camera in facts.header.cameras:
        pixels = stills(facts.log, camera.name, rows)
        captions = [f"{facts.row_times[row]:.1f} s" for row in rows]
        section.images([Image(*each) for each in zip(pixels, captions, strict=True)], label=camera.name)


def _happened(facts: EpisodeFacts) -> Iterator[list[Cell]]:
    """Events, alarms, faults and notes: seconds, kind, detail."""
    for event in facts.events:
        at = (event.time_ns - facts.log.started_ns) / 1e9
        change = f"{event.old} to {event.new}" if event.old != event.new else f"while {event.old}"
        yield [at, "event", f"{event.event} ({event.device}): {change}"]
    told = {text for _, text in (*facts.trace.alarms, *facts.trace.faults)}
    notes = tuple((at, text) for at, text in facts.notes if text.partition(": ")[2] not in told)
    for what, texts in {"alarm": facts.trace.alarms, "fault": facts.trace.faults, "note": notes}.items():
        for at, text in texts:
            yield [at, what, text]


def _largest(values: np.ndarray) -> float:
    return float(values.max()) if len(values) else np.nan


def _percentile(values: np.ndarray, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else np.nan
