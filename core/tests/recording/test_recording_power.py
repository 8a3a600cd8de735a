"""What a recorder calls saved is there after a power cut, whatever the recorder before it had made durable."""

import random
from pathlib import Path

import pytest
from attrs import evolve
from recording_samples import Bench, check_rows

from benchmarks.kills.power import SYNCED, Disk
from benchmarks.kills.synced.sitecustomize import append, note_file
from hilt.ipc.messages import Outcome

EVERYTHING = 5
"""The seed of a cut that takes all names that it may take."""


@pytest.mark.parametrize("finished", [False, True], ids=["cut-off", "finished"])
def test_what_a_successor_calls_saved_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """The first recorder is killed before a folder's name is durable; of its log, the content is if it was finished."""
    disk = Disk(tmp_path / "power")
    with Bench(tmp_path) as bench:
        bench.logs = disk.root / "me" / "push" / "hilt" / "logs" / "s1"
        bench.setup = evolve(bench.setup, logs=bench.logs)
        bench.start()
        bench.begin(0)
        bench.play(0, 5)
        if finished:
            bench.end(0)
            bench.wait("saved", 0)
            with open(bench.logs / "episode-000000.mcap", "rb") as log:
                append(f"{disk.noted}/notes.jsonl", note_file(log.fileno()))
        else:
            bench.wait_for_rows(0, 5)
        bench.process.kill()
        bench.process.join()
        for name, value in {**disk.environment, "PYTHONPATH": str(SYNCED)}.items():
            monkeypatch.setenv(name, value)
        bench.said.clear()
        bench.setup = evolve(bench.setup, told={0: Outcome(saved=True)}, after=1 + finished)
        bench.start()
        bench.wait("saved", 0)
        bench.stop()
    disk.cut(random.Random(EVERYTHING))
    assert [path.name for path in bench.logs.glob("episode*")] == ["episode-000000.mcap"]
    assert len(check_rows(bench.log(0))) == 5
