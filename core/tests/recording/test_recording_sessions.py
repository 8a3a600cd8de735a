"""Several sessions and one dataset: they take turns."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recording_samples import Bench, is_waited_for, wait_for

from hilt.ipc.messages import DiscardLast, StatusState
from hilt.recording.compaction import Compactor


@contextmanager
def compaction(bench: Bench) -> Iterator[Compactor]:
    """The process that writes the dataset for a session, without its recorder."""
    bench.logs.mkdir(parents=True, exist_ok=True)
    compactor = Compactor(bench.setup)
    try:
        yield compactor
    finally:
        compactor.close()


def test_a_second_session_on_a_dataset_is_refused(tmp_path: Path) -> None:
    with Bench(tmp_path, session="running") as running, Bench(tmp_path, session="other") as other:
        running.start()
        running.begin(0)
        other.start(ready=False)
        failed = other.wait("failed")
        assert failed.device == "recorder"
        assert failed.detail.startswith(f"{running.logs}: this session still records into the same dataset")
        other.process.join()
        assert other.process.exitcode == 1
        running.play(0, 5)
        running.end(0)
        assert running.stop().detail == '{"episodes": 1}'


def test_a_session_waits_for_the_recorder_of_one_that_is_ending(tmp_path: Path) -> None:
    with Bench(tmp_path, session="a") as ending, Bench(tmp_path, session="b") as bench:
        ending.start()
        ending.begin(0)
        ending.play(0, 5)
        ending.wait_for_rows(0, 5)
        os.kill(ending.process.pid, signal.SIGSTOP)
        bench.start(ready=False)
        wait_for((bench.logs / "recorder.lock").exists)
        os.kill(ending.process.pid, signal.SIGCONT)
        ending.stop()
        bench.wait("ready")
        bench.stop()
        assert bench.dataset() == {"a/episode-000000": {"rows": 5, "recovered": True}}


def test_a_dataset_is_not_completed_while_another_session_adds_to_it(tmp_path: Path) -> None:
    gate = {"started": tmp_path / "started", "go_on": tmp_path / "go_on"}
    with Bench(tmp_path, session="adds", **gate) as adds, Bench(tmp_path, session="ends") as ends, compaction(ends) as ending:
        adds.start()
        adds.begin(0)
        adds.play(0, 2)
        adds.end(0)
        wait_for(gate["started"].exists)
        ending.finish()
        wait_for(lambda: is_waited_for(tmp_path / "hilt/logs/compaction.lock") or list(ending.statuses()))
        gate["go_on"].touch()
        wait_for(lambda: list(ending.statuses()) or not ending.running)
        assert ending.summary == '{"episodes": 1}'
        assert adds.stop().detail == '{"episodes": 1}'


def test_nothing_is_added_to_a_dataset_while_another_session_completes_it(tmp_path: Path) -> None:
    gate = {"started": tmp_path / "started", "go_on": tmp_path / "go_on"}
    with Bench(tmp_path, session="adds") as adds, Bench(tmp_path, session="ends", **gate) as ends, compaction(ends) as ending:
        ending.finish()
        wait_for(gate["started"].exists)
        adds.start()
        adds.begin(0)
        adds.play(0, 2)
        adds.end(0)
        wait_for(lambda: is_waited_for(tmp_path / "hilt/logs/compaction.lock") or adds.heard("failed"))
        gate["go_on"].touch()
        assert adds.stop().detail == '{"episodes": 1}'
        assert [status for status in adds.said if status.state == StatusState.FAILED] == []


def test_a_dataset_that_cannot_be_completed_is_told(tmp_path: Path) -> None:
    with Bench(tmp_path, refuse="finish") as bench:
        bench.start()
        assert bench.stop().detail == "{}"
        failed = bench.wait("failed")
        assert failed.device == "dataset"
        assert failed.detail == "the dataset could not be completed (ValueError: it does not fit); all logs are kept"


def test_an_episode_that_cannot_be_taken_back_is_told_as_what_it_is(tmp_path: Path) -> None:
    with Bench(tmp_path, refuse="remove ") as bench:
        bench.start()
        bench.begin(0)
        bench.play(0, 2)
        bench.end(0)
        bench.wait("saved", 0)
        wait_for(bench.dataset)
        bench.send(DiscardLast(episode=0))
        failed = bench.wait("failed")
        bench.stop()
        assert failed.device == "dataset"
        assert failed.detail == (
            f"{bench.logs / 'episode-000000.mcap'} is discarded, but taking it out of the dataset failed "
            "(ValueError: it does not fit); the next session tries again"
        )
        assert bench.dataset() == {"s1/episode-000000": {"rows": 2, "recovered": False}}
    with Bench(tmp_path, session="next") as later:
        later.start()
        later.stop()
        assert later.dataset() == {}
