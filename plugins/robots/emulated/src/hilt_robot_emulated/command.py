"""`hilt emulate`: a bench that any command in another terminal uses as if it were hardware."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilt_robot_emulated.bench import Bench

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
) -> None:
    """An SO-101 follower and its leader at a table with a cube. Runs until Ctrl-C."""
    from hilt_robot_emulated.bench import Bench
    from hilt_robot_emulated.settings import View

    names = [name.strip() for name in cameras.split(",") if name.strip()]
    try:
        with Bench.start({name: View(width, height, fps) for name in names}, seed) as bench:
            _show(bench)
            bench.wait()
    except KeyboardInterrupt:
        return


def _show(bench: "Bench") -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"bench     {bench.folder}")
    console.print(f"follower  {bench.robot_port}")
    console.print(f"leader    {bench.leader_port}")
    console.print(f"cameras   {', '.join(bench.description['cameras']) or 'none'}")
    console.print("\nIn another terminal, for instance:\n")
    console.print(shlex.join(["hilt", "teleoperate", *bench.flags]))
    console.print("\nPress Ctrl-C to end the bench.")
