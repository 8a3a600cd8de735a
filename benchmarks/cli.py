"""How long `hilt --help` and `hilt plugins` take, as a multiple of `python -c pass`.

The three take turns in one run, so that a busy moment hits all of them; medians are compared.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.results import Check, Measured, options, positive, repeat, report

HELP_BAR = 10.0

_HILT = str(Path(sys.executable).with_name("hilt"))
COMMANDS: Mapping[str, Sequence[str]] = {
    "python": (sys.executable, "-c", "pass"),
    "help": (_HILT, "--help"),
    "plugins": (_HILT, "plugins"),
}
# A user's Python keeps compiled modules; one that may not would measure the compiler.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def once(rounds: int) -> Measured:
    for command in COMMANDS.values():
        _seconds(command)  # fills the caches
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            seconds[name].append(_seconds(command))
    middle = {name: median(values) for name, values in seconds.items()}
    ratios = {f"{name}_ratio": middle[name] / middle["python"] for name in ("help", "plugins")}
    times = {f"{name}_ms": value * 1e3 for name, value in middle.items()}
    return Measured({**ratios, **times}, (Check("help_ratio", ratios["help_ratio"], HELP_BAR),))


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    return time.perf_counter() - began


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=positive, default=11, help="how often each command is started in a run (default 11)")
    chosen = parser.parse_args()
    report("cli", repeat(lambda: once(chosen.rounds), chosen.runs), chosen.json)


if __name__ == "__main__":
    main()
