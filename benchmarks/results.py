"""What every measurement does with its numbers: repeat, judge, print, write JSON."""

import argparse
import json
import math
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.load import Load

BUSY = 0.25
"""A run during which others used more than this share of the machine proves nothing."""

RUNS = 3

Metrics = Mapping[str, float | Mapping[str, float]]

console = Console()


@frozen
class Check:
    """A number with its bar: met when it is not above. value: None where nothing was measured. always: judged also where

    others used much of the machine.
    """

    what: str
    value: float | None
    bar: float
    always: bool = False

    @property
    def met(self) -> bool | None:
        """None: not measured."""
        return None if self.value is None else self.value <= self.bar


@frozen
class Measured:
    """What one run gives. details: what helps to explain it, in the JSON only."""

    metrics: Metrics
    checks: tuple[Check, ...]
    details: Mapping[str, Any] = field(factory=dict)


@frozen
class Run:
    """others: share of the machine that other processes used meanwhile, 0 to 1."""

    measured: Measured
    others: float

    @property
    def verdict(self) -> str:
        is_busy = self.others > BUSY
        met = [check.met for check in self.measured.checks if check.always or not is_busy]
        if False in met:
            return "missed"
        return "no verdict" if is_busy or None in met else "met"

    @property
    def rank(self) -> tuple[bool, float]:
        """Less is better: first the runs with a verdict, then the distance of the worst number from its bar."""
        return self.others > BUSY, max(_distance(check) for check in self.measured.checks)

    def as_json(self) -> dict[str, Any]:
        checks = [{"what": each.what, "value": each.value, "bar": each.bar, "met": each.met} for each in self.measured.checks]
        judged = {"checks": checks, "others_cpu": self.others, "verdict": self.verdict}
        return {**self.measured.metrics, **judged, **self.measured.details}


def _distance(check: Check) -> float:
    """1 at the bar."""
    if check.value is None:
        return math.inf
    return check.value / check.bar if check.bar else 1.0 + check.value


def percentiles(values: NDArray[np.float64]) -> dict[str, float]:
    p50, p99, largest = np.percentile(values, [50, 99, 100])
    return {"p50": float(p50), "p99": float(p99), "max": float(largest)}


def options(summary: str | None, *, repeated: bool = True) -> argparse.ArgumentParser:
    """The options that every measurement has. repeated: whether the best of several runs counts."""
    parser = argparse.ArgumentParser(description=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
    if repeated:
        parser.add_argument(
            "--runs", type=positive, default=RUNS, help="how often; the best run counts, all are printed (default %(default)s)"
        )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    return parser


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return number


def repeat(once: Callable[[], Measured], runs: int) -> list[Run]:
    return list(_repeated(once, runs))


def _repeated(once: Callable[[], Measured], runs: int) -> Iterator[Run]:
    for number in range(1, runs + 1):
        with console.status(f"run {number} of {runs} ..."):
            load = Load()
            measured = once()
            yield Run(measured, load.others())


def report(name: str, runs: Sequence[Run], output: Path | None) -> Run:
    """Print all runs and write them; gives the best one."""
    best = min(runs, key=lambda run: run.rank)
    console.print(_table(name, runs, best))
    if output is not None:
        machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
        content = {"benchmark": name, **best.as_json(), "machine": machine, "runs": [run.as_json() for run in runs]}
        output.write_text(json.dumps(content, indent=2))
    return best


def _table(name: str, runs: Sequence[Run], best: Run) -> Table:
    table = Table(title=f"benchmarks.{name}", title_justify="left")
    table.add_column("")
    for number, run in enumerate(runs, 1):
        table.add_column(f"run {number}{' (best)' if run is best and len(runs) > 1 else ''}", justify="right")
    columns = [_flat(run.measured.metrics) for run in runs]
    for key in columns[0]:
        table.add_row(key, *(f"{column[key]:.3f}".rstrip("0").rstrip(".") for column in columns))
    table.add_section()
    for checks in zip(*(run.measured.checks for run in runs), strict=True):
        table.add_row(f"{checks[0].what} / bar", *(_judged(check) for check in checks))
    table.add_row("CPU used by others", *(f"{run.others:.0%}" for run in runs))
    table.add_row("verdict", *(run.verdict for run in runs))
    return table


def _judged(check: Check) -> str:
    if check.value is None:
        return f"not measured / {check.bar:.2f}"
    colour = "green" if check.met else "red"
    return f"[{colour}]{check.value:.2f}[/{colour}] / {check.bar:.2f}"


def _flat(metrics: Metrics) -> dict[str, float]:
    """`{"a": {"b": 1}}` -> `{"a.b": 1}`."""
    flat: dict[str, float] = {}
    for key, value in metrics.items():
        flat |= {f"{key}.{inner}": each for inner, each in value.items()} if isinstance(value, Mapping) else {key: value}
    return flat
