"""Who is hit when `benchmarks.crash` means a process."""

import random
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("mujoco", reason="the emulated bench needs mujoco")

from benchmarks.collecting import Sleeper
from benchmarks.kills.rounds import CAMERAS, PROCESSES, Rounds
from benchmarks.kills.victims import ALL, end
from hilt_robot_emulated.bench import Bench


def test_every_process_of_a_session_is_told_from_the_others(tmp_path: Path) -> None:
    with (
        Bench.start(CAMERAS, seed=1) as bench,
        Sleeper() as sleeper,
        closing(Rounds(tmp_path, bench, sleeper, random.Random(0))) as rounds,
        closing(rounds.launch()) as victim,
    ):
        assert victim.wait(lambda: bool(victim.promises.saved), 60.0, lambda: None), victim.output.read_text()
        assert victim.members().keys() == {*PROCESSES} - {ALL}
        assert len({*victim.members().values()}) == len(PROCESSES) - 1
        end([victim.pid])
        victim.process.wait()
