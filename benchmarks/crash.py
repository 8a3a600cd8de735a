"""What kills at random instants cost: saved episodes, seconds of the running one, and time until the arm holds.

Real `hilt collect` sessions with short episodes, a safety filter and an observer on the emulated bench. One process of a
session is killed (SIGKILL), or stopped (SIGSTOP) and killed later, or all at once in a power cut, which also takes what was not
synced: while they start, while an episode runs, while it is saved, while the dataset is written, while the session ends. Then
the same command is started again. Some of these starts are killed, too; the others recover what they find, and every episode is
compared with what had been ticked, and called saved, before the kill. For a process that is stopped first, that is before the
stop.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict
from rich.table import Table

from benchmarks.collecting import Sleeper
from benchmarks.kills.rounds import CAMERAS, Rounds, Story, Struck
from benchmarks.kills.survivors import Episode
from benchmarks.load import Load, adopting
from benchmarks.results import Check, Measured, Metrics, Run, console, options, percentiles, positive, report
from hilt_robot_emulated.bench import Bench

RUNNING_BAR_S = 1.0
HOLD_BAR_MS = 100.0
"""Over how late a bare sleeper was at that moment."""


def judge(story: Story) -> Measured:
    struck, wrong = story.struck, len(story.refused) + len(story.wrong)
    late_ms = [hold - noise for hold, noise in _holds(struck)]
    checks = (
        Check("saved episodes lost", _saved_lost(story), 0.0, always=True),
        Check("starts refused, datasets wrong", wrong, 0.0, always=True),
        Check("running episode lost, s", max(_running_lost(struck), default=None), RUNNING_BAR_S),
        Check("hold over control, ms", max(late_ms, default=None), HOLD_BAR_MS),
    )
    return Measured({**_of_episodes(story), **_of_sessions(story)}, checks, _details(story))


def _of_episodes(story: Story) -> Metrics:
    struck, running = story.struck, _running_lost(story.struck)
    unsettled = [each for each in _episodes(struck) if each.ended and not each.saved]
    return {
        "kills": len(struck),
        "power_cuts": sum(each.blow.how == "power cut" for each in struck),
        "saved_episodes": sum(each.saved for each in _episodes(struck)),
        "saved_episodes_lost": _saved_lost(story),
        "running_episodes": len(running),
        "running_lost_s": _spread(running),
        "running_lost_s_max": max(running, default=0.0),
        "ended_before_durable": len(unsettled),
        "ended_before_durable_not_whole": sum(bool(each.problem) for each in unsettled),
    }


def _of_sessions(story: Story) -> Metrics:
    holds = _holds(story.struck)
    return {
        "starts_refused": len(story.refused),
        "datasets_wrong": len(story.wrong),
        "ended_by_force": sum(len(each.stuck) for each in story.struck),
        "hold_kills": len(holds),
        "hold_ms": _spread([hold for hold, _ in holds]),
        "hold_noise_ms": _spread([noise for _, noise in holds]),
    }


def _holds(struck: Iterable[Struck]) -> list[tuple[float, float]]:
    """(hold, noise) in ms, of sessions that died while the arm moved."""
    return [(each.hold_ms, each.noise_ms) for each in struck if each.hold_ms is not None]


def _saved_lost(story: Story) -> int:
    return len(_lost(story.struck)) + len(story.missing)


def _episodes(struck: Iterable[Struck]) -> list[Episode]:
    return [episode for each in struck for episode in each.episodes]


def _lost(struck: Iterable[Struck]) -> list[Episode]:
    return [each for each in _episodes(struck) if each.saved and each.problem]


def _running_lost(struck: Iterable[Struck]) -> list[float]:
    """Seconds, of the episodes that were not durable yet when the kill came."""
    return [each.lost_s for each in _episodes(struck) if not each.saved]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return percentiles(np.array(values)) if values else {}


def _details(story: Story) -> dict[str, Any]:
    struck = story.struck
    groups: dict[str, Callable[[Struck], str]] = {
        "by_process": lambda each: each.blow.process,
        "by_signal": lambda each: each.blow.how,
        "by_moment": lambda each: each.blow.moment,
    }
    return {
        **{name: _grouped(struck, key) for name, key in groups.items()},
        "lost": [{"blow": str(each.blow), **asdict(episode)} for each in struck for episode in _lost([each])],
        "worst": [_line(each) for each in sorted(struck, key=lambda each: max(_running_lost([each]), default=0.0))[:-6:-1]],
        "stuck": [{"blow": str(each.blow), "what": list(each.stuck)} for each in struck if each.stuck],
        "missing": [asdict(each) for each in story.missing],
        "refused": story.refused,
        "wrong": story.wrong,
    }


def _grouped(struck: Sequence[Struck], key: Callable[[Struck], str]) -> dict[str, dict[str, float | None]]:
    """None: not measured."""
    found: dict[str, dict[str, float | None]] = {}
    for name in dict.fromkeys(map(key, struck)):
        of_name = [each for each in struck if key(each) == name]
        found[name] = {
            "kills": len(of_name),
            "saved_episodes": sum(each.saved for each in _episodes(of_name)),
            "saved_episodes_lost": len(_lost(of_name)),
            "running_lost_s_max": max(_running_lost(of_name), default=None),
            "hold_ms_max": max((hold for hold, _ in _holds(of_name)), default=None),
        }
    return found


def _line(struck: Struck) -> dict[str, Any]:
    return {**asdict(struck.blow), "lost": list(struck.lost), "episodes": [asdict(each) for each in struck.episodes]}


def _show(details: Mapping[str, Any]) -> None:
    table = Table(title="Kills", title_justify="left")
    for column in ("", "kills", "saved", "of these lost", "running lost, s", "hold, ms"):
        table.add_column(column, justify="right" if column else "left")
    for group in ("by_process", "by_signal", "by_moment"):
        for name, values in details[group].items():
            table.add_row(name, *map(_shown, values.values()))
        table.add_section()
    console.print(table)
    for title in ("lost", "missing", "stuck", "refused", "wrong"):
        for each in details[title]:
            console.print(f"{title}: {each}", style="red", markup=False, highlight=False)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def measure(kills: int, seed: int) -> Run:
    """Raises ConnectError when the bench does not start."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hilt-crash-")))
        bench = stack.enter_context(Bench.start(CAMERAS, seed=1))
        stack.enter_context(adopting())
        sleeper, load = stack.enter_context(Sleeper()), Load()
        rounds = stack.enter_context(closing(Rounds(folder, bench, sleeper, random.Random(seed))))
        return Run(judge(rounds.fight(kills)), load.others())


def main() -> None:
    parser = options(__doc__, repeated=False)
    parser.add_argument("--kills", type=positive, default=50, help="how many (default 50, some 15 minutes)")
    parser.add_argument("--seed", type=int, default=0, help="of who is killed and when, as far as the machine repeats itself")
    chosen = parser.parse_args()
    run = measure(chosen.kills, chosen.seed)
    _show(run.measured.details)
    report("crash", [run], chosen.json)


if __name__ == "__main__":
    main()
