"""A million commands of every source through a whole rig: does any goal packet break the invariant, and what does a command cost?

Driven are the rig's own tick, governor, leader and filters' judge, the real SO drivers and codec, with the clock of a lock-step:
no wire timing, no waiting. The goal packets are judged as the emulated servos get them, by `benchmarks.fuzz.invariant` and
`benchmarks.fuzz.witness`, which share no code with the rig but its messages. One life of a rig in thirty (some 20 000 commands
in a million, see `over_pty`) goes through the driver's serial port and a real pseudo-terminal; in the others the port is a
function call. Safety filters run in the same process; only their judge is the one of the real process.

Each life has its own configuration, and all of it follows from its seed: `--first SEED --commands 1 --jobs 1` is that life.
"""

import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from typing import Any

import numpy as np
from attrs import field, frozen

from benchmarks.fuzz.invariant import Verdict, Violation
from benchmarks.fuzz.moves import Fuzzer, filters
from benchmarks.fuzz.rig import bench
from benchmarks.results import Check, Measured, console, options, positive, repeat, report
from hilt.rig.governor import Envelope, Governor
from hilt_hooks import Limits, Signal

TICKS = 2000
"""In a life."""
PTY_EVERY = 30
_EXAMPLES = 20
_BLOCKS, _BLOCK = 50, 400


@frozen(eq=False)
class Life:
    """What became of one rig. sources: ticks by who commanded. done: how often each thing was done. pty: commands over one."""

    seed: int
    verdict: Verdict
    sources: Mapping[str, int]
    done: Mapping[str, int]
    pty: int
    examples: list[str] = field(factory=list)


def live(seed: int, ticks: int = TICKS) -> Life:
    """One rig, from its start until its last tick or until it raises, which is a violation, too."""
    pty, sources = seed % PTY_EVERY == 0, Counter[str]()
    with bench(seed, filters, pty=pty) as made:
        fuzzer = Fuzzer(made)
        try:
            for _ in range(ticks):
                sources[str(fuzzer.tick().source)] += 1
        except Exception as error:
            made.witness.broken("raises", made.k, f"{type(error).__name__}: {error}")
        verdict = made.witness.verdict()
    examples = [f"seed {seed}, {_told(violation)}" for violation in verdict.examples]
    return Life(seed, verdict, sources, fuzzer.done, verdict.commands if pty else 0, examples)


def _told(violation: Violation) -> str:
    return f"tick {violation.k}: {violation.rule}: {violation.detail}"


def lives(commands: int, first: int, jobs: int) -> Iterator[Life]:
    """As many as give so many commands, in the order in which they end."""
    yield from _beside(commands, first, jobs) if jobs > 1 else _alone(commands, first)


def _alone(commands: int, first: int) -> Iterator[Life]:
    done = 0
    for seed in count(first):
        life = live(seed)
        yield life
        done += life.verdict.commands
        if done >= commands:
            return


def _beside(commands: int, first: int, jobs: int) -> Iterator[Life]:
    """In processes of their own."""
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_end_with_parent) as pool:
        running: set[Future[Life]] = set()
        seed, done = first, 0
        while done < commands or running:
            while done < commands and len(running) < jobs:
                running.add(pool.submit(live, seed))
                seed += 1
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                done += each.result().verdict.commands
                yield each.result()


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its pool, which would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def cost() -> float:
    """CPU time of one command of six joints in `Governor.command`, in us: the median of blocks. Targets move, limits bind."""
    names = tuple("abcdef")
    limits = {"*": Limits(-100, 100, velocity=180, acceleration=900)}
    governor = Governor(Envelope.of([Signal(name, "deg") for name in names], limits, 15), 1 / 60)
    targets = np.random.default_rng(0).normal(0, 3, (_BLOCK, len(names))).cumsum(axis=0)
    state, took = governor.begin(np.zeros(len(names))), []
    for _ in range(_BLOCKS):
        began = time.process_time_ns()
        for target in targets:
            state = governor.command(state, target, state.sent)
        took.append((time.process_time_ns() - began) / _BLOCK / 1e3)
    return float(np.median(took))


def once(commands: int, first: int, jobs: int) -> Measured:
    counts, sources, done = Counter[str](), Counter[str](), Counter[str]()
    examples: list[str] = []
    checked = over_pty = lived = 0
    for life in lives(commands, first, jobs):
        lived += 1
        checked += life.verdict.commands
        over_pty += life.pty
        counts.update(life.verdict.counts)
        sources.update(life.sources)
        done.update(life.done)
        examples += life.examples
    violations = sum(counts.values())
    metrics: Mapping[str, float] = {
        "commands": checked,
        "violations": violations,
        "us_per_command": cost(),
        "over_pty": over_pty,
        "configurations": lived,
    }
    details: dict[str, Any] = {"by_rule": dict(counts), "examples": examples[:_EXAMPLES], "ticks_by_source": dict(sources)}
    return Measured(metrics, (Check("violations", violations, 0.0, always=True),), {**details, "done": dict(done)})


def main() -> None:
    parser = options(__doc__, repeated=False)
    parser.add_argument("--commands", type=positive, default=1_000_000, help="at least so many (default 1000000, some minutes)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first life (default 0)")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes (default: one for each core)")
    chosen = parser.parse_args()
    runs = repeat(lambda: once(chosen.commands, chosen.first, chosen.jobs), 1)
    details = report("governor", runs, chosen.json).measured.details
    console.print(
        "ticks by source: " + ", ".join(f"{name} {ticks}" for name, ticks in sorted(details["ticks_by_source"].items()))
    )
    for example in details["examples"]:
        console.print(example, markup=False)


if __name__ == "__main__":
    main()
