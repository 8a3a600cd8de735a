"""`hilt emulate`: a bench that any command in another terminal uses as if it were hardware."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilt_robot_emulated.bench import Bench

ORDERS = "plug robot|leader MOTOR|all; sweep robot|leader"

app = typer.Typer(
    help="Emulate hardware: arms on a bench in MuJoCo.", rich_markup_mode=None, no_args_is_help=True, add_completion=False
)


@app.callback()
def main() -> None:
    """Emulate hardware: arms on a bench in MuJoCo."""


@app.command()
def so101(
    cameras: Annotated[str, typer.Option(help="Cameras to render, with commas between; none: an empty string")] = "front,wrist",
    width: Annotated[int, typer.Option(min=16, help="Width of the images in pixels")] = 320,
    height: Annotated[int, typer.Option(min=16, help="Height of the images in pixels")] = 240,
    fps: Annotated[float, typer.Option(min=1.0, help="Frames a second")] = 30.0,
    seed: Annotated[int, typer.Option(help="Where cube and goal start")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Arms fresh from the box: for setup-motors and calibrate")] = False,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML file that says what goes wrong, and when")] = None,
) -> None:
    """An SO-101 follower and its leader at a table with a cube. Runs until Ctrl-C."""
    from hilt_robot_emulated.bench import Bench
    from hilt_robot_emulated.settings import View

    names = [name.strip() for name in cameras.split(",") if name.strip()]
    try:
        with Bench.start({name: View(width, height, fps) for name in names}, seed, faults=faults, fresh=fresh) as bench:
            _show(bench, faults, fresh=fresh)
            if fresh:
                _take_orders(bench)
            bench.wait()
    except KeyboardInterrupt:
        return


def _take_orders(bench: "Bench") -> None:
    """What the hands at the bench are to do, line by line, until there are no more."""
    import sys

    for line in sys.stdin:
        try:
            match line.split():
                case ["plug", arm, motor]:
                    bench.command("plug", arm=arm, motor=motor)
                case ["sweep", arm]:
                    bench.command("sweep", arm=arm)
                case []:
                    continue
                case _:
                    typer.echo(f"unknown; {ORDERS}")
                    continue
        except ValueError as error:
            typer.echo(str(error))
        else:
            typer.echo("done" if line.startswith("plug") else "moving")


def _commands(bench: "Bench", *, fresh: bool) -> list[list[str]]:
    """In the order in which they are needed."""
    if not fresh:
        return [["teleoperate", *bench.flags]]
    flags = [flag for flag in bench.flags if not flag.startswith("--robot.cameras=")]
    arms = [[flag for flag in flags if flag.startswith(f"--{role}.")] for role in ("robot", "teleop")]
    return [*(["setup-motors", *arm] for arm in arms), ["calibrate", *flags]]


def _show(bench: "Bench", faults: Path | None, *, fresh: bool) -> None:
    from rich.console import Console

    from hilt_robot_emulated.fault_script import load_faults, words_of

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"bench     {bench.folder}")
    console.print(f"follower  {bench.robot_port}")
    console.print(f"leader    {bench.leader_port}")
    console.print(f"cameras   {', '.join(bench.description['cameras']) or 'none'}")
    for line in () if faults is None else words_of(load_faults(faults).faults):
        console.print(f"fault     {line}")
    console.print("\nIn another terminal, for instance:\n")
    for command in _commands(bench, fresh=fresh):
        console.print(shlex.join(["hilt", *command]))
    if fresh:
        console.print(f"\nAll motors are new, and chained. Your hands, in this terminal: {ORDERS}")
    console.print("\nPress Ctrl-C to end the bench.")
