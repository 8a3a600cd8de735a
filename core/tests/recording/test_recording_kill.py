"""Killed at any instant: saved episodes stay, the running one is recovered up to the last second."""

import random
import resource
import threading
import time
from pathlib import Path

import pytest
from recording_samples import FPS, Bench, JsonRecorder, check_rows

from hilt.ipc.messages import Status
from hilt.log import EpisodeLog
from hilt.recording import catch_up

SECOND_NS = 1_000_000_000


def kill_while_playing(bench: Bench, after_s: float) -> tuple[int, list[int]]:
    """Play episodes one after the other until the kill. Gives the running episode and the times of its frames."""
    bench.start()
    killer = threading.Timer(after_s, bench.process.kill)
    killer.start()
    episode, times = 0, []
    while bench.process.is_alive():
        bench.begin(episode)
        times = []
        for frame in range(40):
            times += bench.play(episode, 1, period_s=0.5 / FPS, start=frame)
            if not bench.process.is_alive():
                return episode, times
        bench.end(episode)
        episode += 1
    return episode, times


def check_killed(root: Path, seed: int) -> None:
    after_s = random.Random(seed).uniform(0.2, 3.5)
    with Bench(root, session="killed") as bench:
        running, times = kill_while_playing(bench, after_s)
        killed_ns = time.monotonic_ns()
        bench.heard("saved")
        saved = [status.episode for status in bench.said if status.state == "saved"]
    with Bench(root, session="next") as bench:
        bench.start()
        bench.stop()
        dataset = bench.dataset()
    for episode in saved:
        assert dataset[f"killed/episode-{episode:06d}"] == {"rows": 40, "recovered": False}
    due = sum(time_ns < killed_ns - SECOND_NS for time_ns in times)
    there = dataset.get(f"killed/episode-{running:06d}", {"rows": 0})["rows"]
    assert due <= there <= len(times)
    for path in (root / "hilt/logs/killed").glob("*.mcap"):
        assert len(check_rows(EpisodeLog(path))) == dataset[f"killed/{path.stem}"]["rows"]
    assert not list((root / "hilt/logs/killed").glob("*.part"))


@pytest.mark.parametrize("seed", range(3))
def test_killed(tmp_path: Path, seed: int) -> None:
    check_killed(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 15))
def test_killed_at_many_instants(tmp_path: Path, seed: int) -> None:
    check_killed(tmp_path, seed)


def test_a_session_that_still_runs_is_left_alone(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.start()
        bench.begin(0)
        bench.play(0, 5)
        bench.wait_for_rows(0, 5)
        catch_up(tmp_path / "hilt/logs", JsonRecorder(bench.config))
        assert bench.dataset() == {}
        bench.end(0)
        bench.wait("saved", 0)
        assert len(check_rows(bench.log(0))) == 5


def test_catching_up_on_a_full_disk_tells_and_keeps_what_it_cannot_recover(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.start()
        bench.begin(0)
        bench.play(0, 3)
        bench.stop()
    part, said = bench.logs / "episode-000000.mcap.part", list[Status]()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (part.stat().st_size - 1000, old[1]))
    try:
        catch_up(tmp_path / "hilt/logs", JsonRecorder(bench.config), said.append)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert [(each.device, each.state) for each in said] == [("dataset", "failed")]
    assert said[0].detail.startswith(f"{part} was cut off and cannot be recovered now (File too large)")
    assert [path.name for path in bench.logs.glob("episode*")] == [part.name]
    catch_up(tmp_path / "hilt/logs", JsonRecorder(bench.config))
    assert bench.dataset() == {"s1/episode-000000": {"rows": 3, "recovered": True}}


def test_catching_up_twice_changes_nothing(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.start()
        for episode in range(2):
            bench.begin(episode)
            bench.play(episode, 3)
            if episode == 0:
                bench.end(0)
                bench.wait("saved", 0)
        bench.stop()
        recorder = JsonRecorder(bench.config)
        for _ in range(2):
            catch_up(tmp_path / "hilt/logs", recorder)
            assert bench.dataset() == {
                "s1/episode-000000": {"rows": 3, "recovered": False},
                "s1/episode-000001": {"rows": 3, "recovered": True},
            }
