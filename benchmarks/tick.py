"""How late commands are at 90 Hz while two cameras record and a policy computes for 400 ms at a time.

A real `hilt collect` on the emulated bench, with the real driver and recorder, through start, pause, takeover, return, save
and stop. Lateness of a command: from t0 + k dt, a grid that never moves, to the arrival of the whole packet at the servos; a
tick that was left out counts until the next command came. A bare sleeper with the same scheduling runs beside it as control.
"""

import os
from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.collecting import Plan, Trace, collect
from benchmarks.results import Check, Measured, Metrics, Run, console, options, percentiles, positive, repeat, report

EXCESS_BAR_MS = 5.0
"""Of p99 over that of the control."""
GAP_BAR_MS = 50.0
"""Of the largest gap; the largest lateness of the control is added."""

_SHOWN = 5


@frozen(eq=False)
class Timing:
    """In ms. lateness: (slots,) of every slot of the grid. written, wire: (ticks,) until the write returned, and from then on.

    control: (slots,). gaps: (ticks - 1,) between arrivals.
    """

    lateness: NDArray[np.float64]
    written: NDArray[np.float64]
    wire: NDArray[np.float64]
    control: NDArray[np.float64]
    gaps: NDArray[np.float64]


def timing(trace: Trace) -> Timing:
    numbers = np.array([tick.k for tick in trace.ticks])
    wrote = np.array([tick.wrote_ns for tick in trace.ticks])
    arrivals, control = np.array(trace.arrivals), np.array(trace.control)
    slots = np.arange(numbers[0], numbers[-1] + 1)
    due = trace.start_ns + slots * trace.period_ns
    served_by = np.searchsorted(numbers, slots)
    return Timing(
        lateness=(arrivals[served_by] - due) / 1e6,
        written=(wrote - due[numbers - numbers[0]]) / 1e6,
        wire=(arrivals - wrote) / 1e6,
        control=(control[:, 1] - control[:, 0]) / 1e6,
        gaps=np.diff(arrivals) / 1e6,
    )


def judge(trace: Trace) -> Measured:
    found = timing(trace)
    lateness, control, gap = percentiles(found.lateness), percentiles(found.control), float(found.gaps.max())
    metrics: Metrics = {
        "lateness_ms": lateness,
        "control_ms": control,
        "largest_gap_ms": gap,
        "ticks": len(trace.ticks),
        "left_out": len(found.lateness) - len(trace.ticks),
        "written_ms": percentiles(found.written),
        "wire_ms": percentiles(found.wire),
    }
    checks = (
        Check("p99 over control, ms", lateness["p99"] - control["p99"], EXCESS_BAR_MS),
        Check("largest gap, ms", gap, GAP_BAR_MS + control["max"]),
    )
    phases = list(dict.fromkeys(str(tick.phase) for tick in trace.ticks))
    return Measured(metrics, checks, {"worst": worst(trace, found), "phases": phases, "scheduler": _scheduler(trace)})


def worst(trace: Trace, found: Timing) -> list[dict[str, object]]:
    """The latest commands, and where their time went. `before`: how long the tick before took until it had measured."""
    first = trace.ticks[0].k
    late = np.array([found.lateness[tick.k - first] for tick in trace.ticks])
    rows: list[dict[str, object]] = []
    for index in np.argsort(late)[::-1][:_SHOWN].tolist():
        tick, before = trace.ticks[index], trace.ticks[max(0, index - 1)]
        rows.append(
            {
                "k": tick.k,
                "phase": str(tick.phase),
                "late_ms": float(late[index]),
                "written_ms": float(found.written[index]),
                "wire_ms": float(found.wire[index]),
                "left_out": max(0, tick.k - before.k - 1),
                "before_ms": (before.read_ns - before.time_ns) / 1e6,
                "inputs": ", ".join(type(message).__name__ for message in before.inputs),
            }
        )
    return rows


def _scheduler(trace: Trace) -> str:
    policy, priority = trace.scheduler
    names = {os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR", os.SCHED_OTHER: "SCHED_OTHER"}
    return f"{names.get(policy & ~os.SCHED_RESET_ON_FORK, policy)} {priority}"


def _show_worst(runs: Sequence[Run]) -> None:
    table = Table(title="The latest commands (ms)", title_justify="left", padding=(0, 0, 0, 1), pad_edge=False)
    for column in ("run", *runs[0].measured.details["worst"][0]):
        table.add_column(column.removesuffix("_ms").replace("_", " "), justify="right")
    for number, run in enumerate(runs, 1):
        for row in run.measured.details["worst"]:
            table.add_row(str(number), *(f"{each:.2f}" if isinstance(each, float) else str(each) for each in row.values()))
        table.add_section()
    console.print(table)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--episodes", type=positive, default=2, help="in each run (default 2)")
    parser.add_argument("--script", default="intervene", help="what the operator does: a built-in script or a YAML file")
    chosen = parser.parse_args()
    plan = Plan(episodes=chosen.episodes, script=chosen.script)
    runs = repeat(lambda: judge(collect(plan)), chosen.runs)
    _show_worst(runs)
    best = report("tick", runs, chosen.json)
    console.print(f"rig and control: {best.measured.details['scheduler']}; phases: {', '.join(best.measured.details['phases'])}")


if __name__ == "__main__":
    main()
