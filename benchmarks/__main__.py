"""`python -m benchmarks`: list the measurements, run those that take seconds. `--all` runs the others too."""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.results import RUNS, console, positive

QUICK = ("cli", "feetech")
SLOW = ("tick", "governor", "crash", "faults")
ONCE = ("governor", "crash", "faults")
"""Of these all of a run counts, not the best of several: they have no `--runs`."""


def _listing() -> Table:
    table = Table(title="Measurements: python -m benchmarks.NAME", title_justify="left")
    for column in ("name", "what", "here"):
        table.add_column(column)
    for name in (*QUICK, *SLOW):
        what = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]
        table.add_row(name, what, "runs" if name in QUICK else "with --all")
    return table


def _results(names: Sequence[str], runs: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each in a process of its own: none of them inherits what another has imported."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            output = Path(folder) / f"{name}.json"
            repeated = [] if name in ONCE else [f"--runs={runs}"]
            command = [sys.executable, "-m", f"benchmarks.{name}", *repeated, f"--json={output}"]
            subprocess.run(command, check=True)
            yield name, json.loads(output.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also those that take minutes")
    parser.add_argument("--runs", type=positive, default=RUNS, help=f"how often each but {' and '.join(ONCE)} (default {RUNS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers there, by name")
    chosen = parser.parse_args()
    console.print(_listing())
    results = dict(_results((*QUICK, *SLOW) if chosen.all else QUICK, chosen.runs))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
