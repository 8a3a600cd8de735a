"""The recorder as a process, driven through its rings."""

import math
import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

from attrs import evolve
from recording_samples import Bench, check_rows, orphan, wait_for

from hilt.ipc.messages import DiscardLast, EventSeen, Outcome, Phase
from hilt.log import unfinished


def stop_in_the_first_episode(bench: Bench) -> None:
    """After three of its frames."""
    bench.start()
    bench.begin(0)
    bench.play(0, 3)
    bench.wait_for_rows(0, 3)
    os.kill(bench.process.pid, signal.SIGSTOP)


def test_an_episode_is_durable_when_it_says_saved_and_then_goes_into_the_dataset(bench: Bench) -> None:
    bench.start()
    bench.begin(0, task="pick the cube")
    for start in range(0, 20, 5):  # no more at once than can wait without overload
        bench.play(0, 5, start=start)
        bench.wait_for_rows(0, start + 5)
    bench.end(0, success=True)
    saved = bench.wait("saved", 0)
    assert saved.detail == str(bench.logs / "episode-000000.mcap")
    log = bench.log(0)
    assert (log.episode, log.task, log.outcome) == (0, "pick the cube", Outcome(saved=True, success=True))
    assert len(check_rows(log)) == 20
    assert not any(row.values[f"hilt.{camera.name}.repeated"][0] for row in log.rows() for camera in bench.cameras)
    assert bench.stop().detail == '{"episodes": 1}'
    assert bench.dataset() == {"s1/episode-000000": {"rows": 20, "recovered": False}}


def test_ticks_and_events_of_all_phases_are_in_the_log_of_their_episode_but_only_frames_are_rows(bench: Bench) -> None:
    bench.start()
    start = EventSeen(time_ns=1, event="start", device="keys", old=Phase.READY, new=Phase.AUTONOMOUS)
    bench.send(start)
    bench.begin(0)
    bench.tick(0, phase=Phase.READY)
    bench.play(0, 3)
    pause = EventSeen(time_ns=2, event="pause", device="keys", old=Phase.AUTONOMOUS, new=Phase.PAUSED)
    bench.send(pause)
    for _ in range(5):
        bench.tick(0, phase=Phase.PAUSED)
    bench.end(0)
    bench.wait("saved", 0)
    bench.tick(0, phase=Phase.SAVED)  # too late
    bench.tick(1, phase=Phase.RESET)  # crosses the next BeginEpisode
    bench.begin(1)
    bench.play(1, 2)
    bench.end(1)
    bench.wait("saved", 1)
    first, second = bench.log(0), bench.log(1)
    phases = [tick.phase for tick in first.ticks()]
    assert phases == [Phase.READY, *[Phase.AUTONOMOUS] * 6, *[Phase.PAUSED] * 5]
    assert list(first.events()) == [start, pause]
    assert len(check_rows(first)) == 3
    assert [tick.phase for tick in second.ticks()] == [Phase.RESET, *[Phase.AUTONOMOUS] * 4]
    assert len(check_rows(second)) == 2


def test_of_the_wait_before_an_episode_its_log_has_the_last_ticks(bench: Bench) -> None:
    bench.start()
    for _ in range(3):
        for _ in range(100):
            bench.tick(0, phase=Phase.READY)
        bench.wait_until_read()
    bench.begin(0)
    bench.play(0, 3)
    bench.end(0)
    bench.wait("saved", 0)
    log = bench.log(0)
    assert [tick.k for tick in log.ticks()] == list(range(300 - 64, 306))
    assert len(check_rows(log)) == 3


def test_ticks_that_were_missed_before_an_episode_are_no_gap_in_it(bench: Bench) -> None:
    bench.start()
    bench.wait_until_read()
    os.kill(bench.process.pid, signal.SIGSTOP)
    for _ in range(1500):
        bench.tick(0, phase=Phase.READY)
    os.kill(bench.process.pid, signal.SIGCONT)
    bench.wait_until_read()
    bench.begin(0)
    bench.play(0, 3)
    bench.end(0)
    bench.wait("saved", 0)
    assert list(bench.log(0).notes()) == []


def test_a_recorder_that_was_stopped_while_an_episode_began_has_all_its_frames(bench: Bench) -> None:
    stop_in_the_first_episode(bench)
    bench.end(0)
    for _ in range(100):
        bench.tick(1, phase=Phase.RESET)
    bench.begin(1)
    for frame in range(200):
        bench.tick(1, frame)
    os.kill(bench.process.pid, signal.SIGCONT)
    bench.end(1)
    bench.wait("saved", 1)
    assert len(check_rows(bench.log(0))) == 3
    assert [row.values["observation.state"][0] for row in bench.log(1).rows()] == list(range(200))


def test_a_successor_has_all_frames_of_an_episode_that_began_before_it_looked(bench: Bench) -> None:
    bench.start()
    bench.begin(0)
    bench.play(0, 3)
    bench.wait_for_rows(0, 3)
    bench.process.kill()
    bench.process.join()
    bench.end(0)
    bench.setup = evolve(bench.setup, after=bench.said_so_far, told={0: Outcome(saved=True)})
    for _ in range(100):
        bench.tick(1, phase=Phase.RESET)
    bench.start(ready=False)
    bench.begin(1)
    for frame in range(200):
        bench.tick(1, frame)
    bench.end(1)
    assert bench.wait("saved", 0).frames == 3
    assert bench.wait("saved", 1).frames == 200


def test_a_gap_in_the_frames_is_a_boundary_and_the_rows_stay_numbered(bench: Bench) -> None:
    bench.start()
    bench.begin(0)
    bench.play(0, 4)
    bench.play(0, 4, start=6)
    bench.tick(0, 10, boundary=True)
    bench.end(0)
    bench.wait("saved", 0)
    rows = check_rows(bench.log(0))
    assert [row.values["observation.state"][0] for row in rows] == [0, 1, 2, 3, 6, 7, 8, 9, 10]
    assert [row.values["hilt.boundary"] for row in rows] == [[at in {4, 8}] for at in range(9)]
    assert [text for _, text in bench.log(0).notes()] == ["gap: frame 6 where 4 was due"]


def test_a_recorder_that_was_stopped_for_too_long_tells_what_it_missed(bench: Bench) -> None:
    stop_in_the_first_episode(bench)
    for frame in range(3, 1500):
        bench.tick(0, frame)
    os.kill(bench.process.pid, signal.SIGCONT)
    bench.end(0)
    bench.wait("saved", 0)
    rows = check_rows(bench.log(0))
    first = int(rows[3].values["observation.state"][0])
    assert 1500 - 1024 <= first < 1500 - 900
    assert rows[3].values["hilt.boundary"] == [True]
    assert int(rows[-1].values["observation.state"][0]) == 1499
    notes = [text for _, text in bench.log(0).notes()]
    assert f"{first - 3} ticks were overwritten before they were read" in notes
    assert f"gap: frame {first} where 3 was due" in notes


def test_a_camera_without_frames_is_black_and_says_so(bench: Bench) -> None:
    bench.start()
    bench.begin(0)
    for frame in range(4):
        bench.show(frame, time.monotonic_ns(), cameras=1)
        bench.tick(0, frame)
    bench.show(4, time.monotonic_ns())
    bench.tick(0, 4)
    bench.end(0)
    bench.wait("saved", 0)
    log = bench.log(0)
    rows = check_rows(log)
    assert [row.values["hilt.c1.repeated"] for row in rows] == [[True]] * 4 + [[False]]
    assert all(math.isnan(row.values["hilt.c1.age_ms"][0]) for row in rows[:4])
    assert 0 <= rows[4].values["hilt.c1.age_ms"][0] < 10_000
    assert [round(float(image.mean()) / 10) for image in log.images("c1")][:4] == [0, 0, 0, 0]


def test_no_image_of_one_episode_is_shown_in_the_next(bench: Bench) -> None:
    bench.start()
    for episode in range(2):
        bench.begin(episode)
        now = time.monotonic_ns()
        bench.show(0, now - 1_000_000)
        bench.tick(episode, 0, read_ns=now if episode == 0 else 0)  # in the second episode all frames are too new
        bench.end(episode)
        bench.wait("saved", episode)
    shades = [float(next(bench.log(episode).images("c0")).mean()) for episode in range(2)]
    assert [round(shade / 10) for shade in shades] == [2, 0]
    assert next(bench.log(1).rows()).values["hilt.c0.repeated"] == [True]


def test_a_row_has_the_newest_image_that_is_not_newer_than_its_measurement(bench: Bench) -> None:
    bench.start()
    bench.begin(0)
    now = time.monotonic_ns()
    bench.show(0, now - 3_000_000)
    bench.show(1, now - 1_000_000)
    bench.show(2, now + 1_000_000)
    bench.tick(0, 0, read_ns=now, measured=[1.0, 0.0])
    bench.tick(0, 1, read_ns=now, measured=[1.0, 0.0])
    bench.tick(0, 2, read_ns=now + 5_000_000, measured=[2.0, 0.0])
    bench.end(0)
    bench.wait("saved", 0)
    rows = check_rows(bench.log(0))
    assert [row.values["hilt.c0.age_ms"] for row in rows] == [[1.0], [1.0], [4.0]]
    assert [row.values["hilt.c0.repeated"] for row in rows] == [[False], [True], [False]]


def test_the_next_episode_is_recorded_while_the_dataset_is_busy(tmp_path: Path) -> None:
    with Bench(tmp_path, started=tmp_path / "started", go_on=tmp_path / "go_on") as bench:
        bench.start()
        for episode in range(3):
            bench.begin(episode)
            bench.play(episode, 5)
            bench.end(episode)
            bench.wait("saved", episode)
        wait_for((tmp_path / "started").exists)
        assert bench.dataset() == {}
        (tmp_path / "go_on").touch()
        assert bench.stop().detail == '{"episodes": 3}'
        assert [status.detail for status in bench.said if status.device == "dataset"] == [
            f"the dataset is brought up to date with episode-{episode:06d}" for episode in range(3)
        ]


def test_discarded_episodes_are_kept_as_logs_only(bench: Bench) -> None:
    bench.start()
    for episode in range(4):
        bench.begin(episode)
        if episode != 3:
            bench.play(episode, 3)
        bench.end(episode, saved=episode != 1)
    bench.wait("saved", 0)
    bench.wait("discarded", 1)
    bench.wait("saved", 2)
    bench.wait("discarded", 3)  # saved, but it has no frame
    bench.send(DiscardLast(episode=2))
    bench.wait("discarded", 2)
    bench.stop()
    assert bench.dataset().keys() == {"s1/episode-000000"}
    assert sorted(path.name for path in bench.logs.glob("episode*")) == [
        "episode-000000.mcap",
        "episode-000001.mcap.discarded",
        "episode-000002.mcap.discarded",
        "episode-000003.mcap.discarded",
    ]
    assert len(check_rows(bench.log(2, ".mcap.discarded"))) == 3


def test_a_log_that_the_dataset_refuses_is_told_and_kept(tmp_path: Path) -> None:
    with Bench(tmp_path, refuse="episode-000000") as bench:
        bench.start()
        for episode in range(2):
            bench.begin(episode)
            bench.play(episode, 2)
            bench.end(episode)
        failed = bench.wait("failed")
        assert failed.device == "dataset"
        assert "episode-000000.mcap is not in the dataset (ValueError: it does not fit)" in failed.detail
        bench.stop()
        assert bench.dataset().keys() == {"s1/episode-000001"}
        assert len(check_rows(bench.log(0))) == 2


def test_recording_goes_on_when_the_process_that_writes_the_dataset_has_died(tmp_path: Path) -> None:
    with Bench(tmp_path, started=tmp_path / "started", go_on=tmp_path / "go_on") as bench:
        bench.start()
        bench.begin(0)
        bench.play(0, 2)
        bench.end(0)
        wait_for((tmp_path / "started").exists)
        for child in Path(f"/proc/{bench.process.pid}/task/{bench.process.pid}/children").read_text().split():
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(int(child), signal.SIGKILL)
        bench.wait("lost")
        bench.begin(1)
        bench.play(1, 2)
        bench.end(1)
        bench.wait("saved", 1)
        assert bench.stop().detail == "{}"


def test_a_full_disk_is_told_and_what_was_recorded_is_kept(bench: Bench) -> None:
    bench.start()
    resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    bench.begin(0)
    bench.play(0, 200)
    failed = bench.wait("failed")
    assert failed.device == "recorder"
    assert "File too large" in failed.detail
    assert "is kept" in failed.detail
    bench.process.join()
    assert bench.process.exitcode == 1
    assert len(check_rows(bench.log(0, ".mcap.part"))) > 5


def test_a_camera_that_cannot_be_recorded_is_refused_at_the_start(tmp_path: Path) -> None:
    with Bench(tmp_path, size=(65, 48)) as bench:
        bench.start(ready=False)
        assert "camera c0: 65x48x3 uint8 cannot be recorded" in bench.wait("failed").detail
        bench.process.join()
        assert bench.process.exitcode == 1


def test_two_recorders_never_write_one_folder(bench: Bench, tmp_path: Path) -> None:
    bench.start()
    (tmp_path / "other").mkdir()
    with Bench(tmp_path / "other") as other:
        other.setup = evolve(other.setup, logs=bench.logs)
        other.start(ready=False)
        assert "another recorder writes there" in other.wait("failed").detail


def test_stop_in_the_middle_of_an_episode_leaves_it_to_recovery(bench: Bench) -> None:
    bench.start()
    bench.begin(0)
    bench.play(0, 5)
    assert bench.stop().detail == '{"episodes": 0}'
    log = bench.log(0, ".mcap.part")
    assert len(check_rows(log)) == 5
    assert log.outcome is None


def test_without_a_recorder_plugin_there_are_logs_only(bench: Bench) -> None:
    bench.setup = evolve(bench.setup, recorder_factory=None)
    bench.start()
    bench.begin(0)
    bench.play(0, 5)
    bench.end(0)
    assert bench.stop().detail == "{}"
    assert len(check_rows(bench.log(0))) == 5


def test_when_the_session_dies_the_recorder_makes_the_episode_durable_and_leaves(bench: Bench) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    session = spawn.Process(target=orphan, args=(bench.setup, theirs))
    session.start()
    recorder = ours.recv()
    bench.wait("ready")
    bench.begin(0)
    bench.play(0, 5)
    wait_for(lambda: (bench.logs / "episode-000000.mcap.part").exists())
    session.kill()
    session.join()
    wait_for(lambda: not running(recorder))
    assert len(check_rows(bench.log(0, ".mcap.part"))) == 5
    assert [path.name for path in unfinished(bench.logs)] == ["episode-000000.mcap.part"]


def running(pid: int) -> bool:
    """Whether it is there, and not merely waiting to be reaped by whoever has adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
