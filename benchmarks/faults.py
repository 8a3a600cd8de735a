"""What a bad bus costs: aborted episodes, gaps that the data do not show, steps over the limit.

Real `hilt record` and `hilt collect` sessions take turns on the emulated bench, with a scripted operator. All the time, one
packet in a hundred is damaged on both buses, either way; once a minute nothing passes the robot's bus for 300 ms, and half a
minute later nothing passes the leader's. Then every saved episode is compared with what the bench says it did to the wires.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from benchmarks.collecting import HILT, Plan, command, environment, write_policy
from benchmarks.gaps import Gap, Outage, gaps_in, steps_over_limit
from benchmarks.load import Load
from benchmarks.results import Check, Measured, Run, console, options, report
from hilt.log import EpisodeLog
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.settings import View

CORRUPT_PERCENT = 1.0
DROPOUT_S = 0.3
CAMERAS: Mapping[str, View] = {"front": View(width=96, height=72)}
_SESSION_LIMIT_S = 120.0
"""For each episode that a session is to record."""


@frozen
class Told:
    """Of one session. aborted: episodes that it was to save and did not. output: what it printed, if something was wrong."""

    command: str
    episodes: int
    aborted: int
    ticks: int
    gaps: Sequence[Gap]
    steps_over_limit: int
    output: str


def fault_script(every_s: float, seed: int) -> dict[str, Any]:
    """As `hilt emulate --faults` takes it, too."""
    cut = {"dropout": True, "for": DROPOUT_S, "every": every_s}
    return {
        "seed": seed,
        "faults": [
            *({"arm": arm, "corrupt": CORRUPT_PERCENT} for arm in ("robot", "leader")),
            {"arm": "robot", **cut, "at": every_s / 2},
            {"arm": "leader", **cut, "at": every_s},
        ],
    }


class Sessions:
    """One session after the other on one bench."""

    def __init__(self, bench: Bench, folder: Path, episodes: int) -> None:
        self._bench, self._folder = bench, folder
        self._plan = Plan(episodes=episodes, script="intervene", interpolation=2, cameras=CAMERAS)
        self._policy = write_policy(self._plan, folder / "policy")
        self._number = 0

    def run(self, name: str) -> Told:
        """name: `record` or `collect`."""
        root = self._folder / f"{self._number}-{name}"
        self._number += 1
        line = command(self._plan, self._bench, self._policy, root) if name == "collect" else self._record(root)
        with open(self._folder / "output", "w+") as output:
            code = _run(line, output, self._plan.episodes * _SESSION_LIMIT_S)
            output.seek(0)
            return self._judge(name, root, code, output.read())

    def _record(self, root: Path) -> list[str]:
        return [
            *(HILT, "record", *self._bench.flags),
            *("--input.type=scripted", f"--input.bench={self._bench.folder}", "--input.script=demonstrate"),
            *("--dataset.repo_id=benchmark/session", f"--dataset.root={root}", f"--dataset.fps={self._plan.fps}"),
            *(f"--dataset.num_episodes={self._plan.episodes}", "--dataset.single_task=Push the cube to the goal"),
        ]

    def _judge(self, name: str, root: Path, code: int, output: str) -> Told:
        logs = sorted(root.glob("hilt/logs/*/episode-*.mcap"))
        aborted = self._plan.episodes - len(logs) or int(code != 0)
        outages = _outages(self._bench)
        gaps, over, ticks = [], 0, 0
        for index, log in enumerate(map(EpisodeLog, logs)):
            seen = list(log.ticks())
            gaps += list(gaps_in(log, seen, _columns(root, index), outages))
            over += steps_over_limit(seen, log.header)
            ticks += len(seen)
        return Told(name, len(logs), aborted, ticks, gaps, over, output if aborted else "")


def _run(line: Sequence[str], output: Any, limit_s: float) -> int:
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment()) as session:
        try:
            return session.wait(limit_s)
        except subprocess.TimeoutExpired:
            session.terminate()
            return session.wait() or 1


def _columns(root: Path, index: int) -> Mapping[str, Any]:
    dataset = Dataset(root)
    try:
        return dataset.episode(index)
    finally:
        dataset.close()


def _outages(bench: Bench) -> list[Outage]:
    """When the wires were cut; one that is not over yet ends now."""
    found: list[Outage] = []
    began: dict[str, int] = {}
    for entry in bench.command("fault_log")["log"]:
        if entry["kind"] == "dropout" and entry["on"]:
            began[entry["arm"]] = entry["time_ns"]
        elif entry["kind"] == "dropout":
            found.append(Outage(entry["arm"], began.pop(entry["arm"]), entry["time_ns"]))
    return [*found, *(Outage(arm, at, time.monotonic_ns()) for arm, at in began.items())]


def sessions(minutes: float, every_s: float, episodes: int, seed: int) -> Iterator[Told]:
    """At least one of each kind, until the time is up."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hilt-faults-")))
        bench = stack.enter_context(Bench.start(CAMERAS, seed=seed))
        bench.command("play_faults", script=fault_script(every_s, seed))
        made, ends = Sessions(bench, folder, episodes), time.monotonic() + minutes * 60
        while time.monotonic() < ends:
            for name in ("record", "collect"):
                with console.status(f"hilt {name}, {max(0.0, ends - time.monotonic()) / 60:.1f} min to go ..."):
                    yield made.run(name)


def judge(told: Sequence[Told], minutes: float) -> Measured:
    gaps = [gap for each in told for gap in each.gaps]
    metrics = {
        "minutes": minutes,
        "sessions": len(told),
        "episodes": sum(each.episodes for each in told),
        "ticks": sum(each.ticks for each in told),
        "aborted_episodes": sum(each.aborted for each in told),
        "gaps": len(gaps),
        "gaps_marked": sum(gap.marked for gap in gaps),
        "outages_in_data": sum(gap.kind in ("robot", "leader") for gap in gaps),
        "steps_over_limit": sum(each.steps_over_limit for each in told),
    }
    checks = (
        Check("no drop-out fell into an episode", float(not metrics["outages_in_data"]), 0.0, always=True),
        Check("aborted episodes", metrics["aborted_episodes"], 0.0, always=True),
        Check("gaps that the data do not show", metrics["gaps"] - metrics["gaps_marked"], 0.0, always=True),
        Check("steps over the limit", metrics["steps_over_limit"], 0.0, always=True),
    )
    details = {
        "unmarked": [asdict(gap) for gap in gaps if not gap.marked],
        "aborted": [each.output for each in told if each.aborted],
    }
    return Measured(metrics, checks, details)


def measure(minutes: float, every_s: float, episodes: int, seed: int) -> Run:
    load, began = Load(), time.monotonic()
    told = list(sessions(minutes, every_s, episodes, seed))
    return Run(judge(told, (time.monotonic() - began) / 60), load.others())


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return number


def main() -> None:
    parser = options(__doc__, repeated=False)
    parser.add_argument("--minutes", type=_positive, default=10.0, help="no session starts after these (default 10)")
    parser.add_argument("--every", type=_positive, default=60.0, help="seconds between two drop-outs of an arm (default 60)")
    parser.add_argument("--episodes", type=int, default=3, help="episodes a session (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the damage, and of where the cube lies")
    chosen = parser.parse_args()
    if chosen.every <= DROPOUT_S:
        parser.error(f"--every {chosen.every:g}: a drop-out takes {DROPOUT_S:g} s")
    run = measure(chosen.minutes, chosen.every, chosen.episodes, chosen.seed)
    for text in run.measured.details["aborted"]:
        console.print(text, style="red", markup=False, highlight=False)
    report("faults", [run], chosen.json)


if __name__ == "__main__":
    main()
