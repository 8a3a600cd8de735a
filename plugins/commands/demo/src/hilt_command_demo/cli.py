"""The whole loop on an emulated bench: demonstrate, train, collect with interventions, look at the report.

Each step is the command that a user would type, run in a process of its own and shown before it runs.
"""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from attrs import frozen
from rich.console import Console
from rich.table import Table

from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.settings import View

TASK = "Push the cube to the goal"
SIZE = View(width=160, height=120, fps=30.0)

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@frozen
class Step:
    """One command of the demo, and what it is for. dataset, episodes: what must be there after it."""

    name: str
    why: str
    arguments: Sequence[str]
    dataset: Path | None = None
    episodes: int = 0

    @property
    def made(self) -> int:
        """How many episodes there are."""
        info = self.dataset / "meta" / "info.json" if self.dataset else None
        return int(json.loads(info.read_text())["total_episodes"]) if info and info.is_file() else 0


@app.command(name="demo")
def demo(
    output_dir: Annotated[str, typer.Option(help="New folder for datasets, checkpoint and report")] = "",
    demonstrations: Annotated[int, typer.Option(min=1, help="Scripted demonstrations to record")] = 4,
    steps: Annotated[int, typer.Option(min=1, help="Training steps")] = 150,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes to collect")] = 3,
    seed: Annotated[int, typer.Option(help="Where cube and goal start; start of the training")] = 0,
) -> None:
    """Run the whole loop on an emulated bench: demonstrate, train, collect with interventions. No hardware needed."""
    console = Console(highlight=False)
    out = Path(output_dir or f"outputs/demo/{datetime.now():%Y%m%d-%H%M%S}").resolve()
    out.mkdir(parents=True)
    started = time.monotonic()
    console.print(f"Two emulated SO-101 arms, two cameras, a cube. Everything goes to {out}", soft_wrap=True)
    with Bench.start({"front": SIZE, "wrist": SIZE}, seed) as bench:
        seconds = [_run(console, step) for step in plan(bench, out, demonstrations, steps, episodes, seed)]
    _finish(console, out, seconds, time.monotonic() - started)


def plan(bench: Bench, out: Path, demonstrations: int, steps: int, episodes: int, seed: int) -> list[Step]:
    demos = _dataset("demo/push", out / "demonstrations", demonstrations)
    corrected = _dataset("demo/push-hil", out / "collected", episodes)
    return [
        Step(
            "record",
            "A scripted hand moves the leader arm; the follower pushes the cube.",
            ["record", *bench.flags, *_operator(bench, "demonstrate"), *demos],
            out / "demonstrations",
            demonstrations,
        ),
        Step(
            "train",
            "A small ACT policy learns from the demonstrations.",
            [
                "train",
                "--policy.type=act",
                "--policy.preset=tiny",
                "--dataset.repo_id=demo/push",
                f"--dataset.root={out / 'demonstrations'}",
                f"--steps={steps}",
                "--log_freq=25",
                f"--seed={seed}",
                f"--output_dir={out / 'policy'}",
            ],
        ),
        Step(
            "collect",
            "The policy drives; the hand pauses it, takes over, corrects, and hands back.",
            [
                "collect",
                *bench.flags,
                *_operator(bench, "intervene"),
                f"--policy.path={out / 'policy'}",
                "--interpolation_multiplier=2",
                *corrected,
            ],
            out / "collected",
            episodes,
        ),
    ]


def _operator(bench: Bench, script: str) -> list[str]:
    return ["--input.type=scripted", f"--input.bench={bench.folder}", f"--input.script={script}"]


def _dataset(repo_id: str, root: Path, episodes: int) -> list[str]:
    return [
        f"--dataset.repo_id={repo_id}",
        f"--dataset.root={root}",
        f"--dataset.single_task={TASK}",
        f"--dataset.num_episodes={episodes}",
        "--dataset.episode_time_s=60",
    ]


def _run(console: Console, step: Step) -> tuple[str, float]:
    """Run one step. A step that fails ends the demo with its exit code."""
    console.rule(f"[bold]{step.name}[/bold]")
    console.print(step.why)
    console.print(f"$ hilt {shlex.join(step.arguments)}\n", style="dim", markup=False, soft_wrap=True)
    started = time.monotonic()
    code = subprocess.call([sys.executable, "-m", "hilt", *step.arguments])
    if code or step.made < step.episodes:
        told = f"exit code {code}" if code else f"{step.made} of {step.episodes} episodes; the lines above say why"
        console.print(f"\n{step.name} ended with {told}. What it made so far is kept.", style="bold red")
        raise typer.Exit(code or 1)
    return step.name, time.monotonic() - started


def _finish(console: Console, out: Path, seconds: Sequence[tuple[str, float]], total: float) -> None:
    table = Table(title="Demo", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for name, taken in seconds:
        table.add_row(name, f"{taken:.0f}")
    table.add_section()
    table.add_row("all", f"{total:.0f}")
    console.rule()
    console.print(table)
    pages = sorted((out / "collected" / "hilt" / "logs").glob("*/report.html"))
    console.print(f"dataset:  {out / 'collected'}", soft_wrap=True)
    console.print(f"policy:   {out / 'policy'}", soft_wrap=True)
    for page in pages:
        console.print(f"report:   {page.as_uri()}", soft_wrap=True)
