"""Whoever judges what kills cost, judged: by losses that are made up, and by logs and datasets that do not fit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from msgspec import structs
from power_life import HEADER, add, dataset, log_of

from benchmarks.crash import RUNNING_BAR_S, judge
from benchmarks.kills.rounds import DELAYS_S, Blow, Story, Struck
from benchmarks.kills.survivors import JUST_BEGUN_NS, Episode, Session, episodes, wrong
from benchmarks.kills.victims import Promises
from benchmarks.results import BUSY, Run
from hilt.ipc.messages import Column, Outcome, Row
from hilt.log import EpisodeWriter
from hilt.recording.video import Encoder

KEPT = Episode(session="session", number=0, saved=True, ended=True, frames=30, missing=0, lost_s=0.0, problem="")
RUNNING = evolve(KEPT, number=1, saved=False, ended=False, missing=9, lost_s=0.3, problem="9 of 30 frames are missing")
FOUND_LATER = (("missing", evolve(KEPT, problem="not in the dataset")), ("refused", "exit 1"), ("wrong", "a video is gone"))
BLOW = Blow("session", "kill", "running", episode=1, delay_s=0.0, stopped_s=0.0)


def story(*more: Episode, hold_ms: float | None = 70.0, noise_ms: float = 5.0) -> Story:
    return Story(struck=[Struck(BLOW, at_ns=0, hold_ms=hold_ms, noise_ms=noise_ms, episodes=[KEPT, RUNNING, *more])])


def verdicts(found: Story) -> tuple[str, str]:
    """On a machine of one's own, and on one that others keep busy."""
    measured = judge(found)
    return Run(measured, others=0.0).verdict, Run(measured, others=2 * BUSY).verdict


def test_a_session_that_kept_its_promises() -> None:
    assert verdicts(story()) == ("met", "no verdict")
    metrics = judge(story()).metrics
    assert (metrics["kills"], metrics["saved_episodes"], metrics["running_episodes"], metrics["hold_kills"]) == (1, 1, 1, 1)
    assert (metrics["saved_episodes_lost"], metrics["running_lost_s_max"]) == (0, 0.3)


def test_what_is_lost_is_lost_however_busy_the_machine_is() -> None:
    lost = story(evolve(KEPT, number=2, problem="not in the dataset"))
    missing, refused, broken = (evolve(story(), **{name: [what]}) for name, what in FOUND_LATER)
    for found in (lost, missing, refused, broken):
        assert verdicts(found) == ("missed", "missed")
    assert judge(lost).metrics["saved_episodes_lost"] == judge(missing).metrics["saved_episodes_lost"] == 1


@pytest.mark.parametrize(
    "late",
    [story(evolve(RUNNING, number=2, lost_s=1.1)), story(hold_ms=110.0)],
    ids=["a second of the running episode", "the hold"],
)
def test_what_was_late_is_judged_on_a_quiet_machine(late: Story) -> None:
    assert verdicts(late) == ("missed", "no verdict")


def test_a_hold_is_as_late_as_it_is_over_the_control() -> None:
    assert verdicts(story(hold_ms=150.0, noise_ms=60.0)) == ("met", "no verdict")


def test_what_was_not_measured_is_not_met() -> None:
    unmeasured = story(hold_ms=None)
    assert [check.met for check in judge(unmeasured).checks] == [True, True, True, None]
    assert verdicts(unmeasured) == ("no verdict", "no verdict")
    late = story(evolve(RUNNING, number=2, lost_s=1.1), hold_ms=None)
    assert verdicts(late) == ("missed", "no verdict")
    nothing_ran = evolve(story(), struck=[evolve(story().struck[0], episodes=[KEPT])])
    assert [check.met for check in judge(nothing_ran).checks] == [True, True, None, True]


def test_kills_come_late_enough_for_more_to_be_lost_than_may_be() -> None:
    assert DELAYS_S["running"] > 2 * RUNNING_BAR_S


TIMED = structs.replace(HEADER, columns=[*HEADER.columns, Column(name="hilt.time_ns", dtype="int64", shape=[1], names=["ns"])])
TIMES = [100, 200, 300, 400]
"""Of the rows, ns."""


def write(disk: Path, action: float, times: Sequence[int] = TIMES) -> None:
    writer = EpisodeWriter(log_of(disk, 0), TIMED, episode=0, task="Pick the cube", started_ns=0)
    (camera,) = TIMED.cameras
    encoder, image = Encoder(camera, TIMED.fps), np.zeros((camera.height, camera.width, camera.channels), np.uint8)
    for frame, time_ns in enumerate(times):
        values = {"observation.state": [0.0], "action": [action], "hilt.time_ns": [time_ns]}
        writer.row(Row(frame=frame, time_ns=time_ns, values=values), {camera.name: encoder.encode(image, keyframe=True)})
    writer.close(Outcome(saved=True, success=True))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """With a dataset of one episode."""
    write(tmp_path, 1.0)
    add(tmp_path, 0)
    return tmp_path


def found(disk: Path, promises: Promises) -> list[str]:
    session = Session(HEADER.session, promises, killed_ns=1_000_000_400)
    return [each.problem for each in episodes(dataset(disk), [session])]


def test_an_episode_that_is_whole(disk: Path) -> None:
    assert found(disk, Promises(frames={0: TIMES}, ended={0}, saved={0})) == [""]
    assert wrong(dataset(disk)) == []


def test_frames_that_are_missing(disk: Path) -> None:
    session = Session(HEADER.session, Promises(frames={0: [*TIMES, 401]}), killed_ns=1_000_000_401)
    (episode,) = episodes(dataset(disk), [session])
    assert (episode.problem, episode.lost_s) == ("1 of 5 frames are missing", 1.0)


def test_a_running_episode_that_is_wholly_gone(disk: Path) -> None:
    times = [500 + frame * 100_000_000 for frame in range(25)]
    session = Session(HEADER.session, Promises(frames={0: TIMES, 1: times}, saved={0}), killed_ns=500 + 2_500_000_000)
    first, second = episodes(dataset(disk), [session])
    assert (second.saved, second.missing, second.lost_s) == (False, 25, 2.5)
    struck = Struck(BLOW, at_ns=0, hold_ms=70.0, episodes=[first, second])
    assert verdicts(Story(struck=[struck])) == ("missed", "no verdict")


def test_an_episode_in_which_the_kill_fell_may_lack_its_end_though_a_successor_saves_it(disk: Path) -> None:
    promises = Promises(frames={0: [*TIMES, 401], 1: [500]}, kept={0, 1})
    first, second = episodes(dataset(disk), [Session(HEADER.session, promises, killed_ns=501)])
    assert (first.saved, first.missing) == (False, 1)
    assert (second.saved, second.problem) == (True, "not in the dataset; of its log there is: nothing")


@pytest.mark.parametrize(("late_ns", "number"), [(JUST_BEGUN_NS - 1, 1), (JUST_BEGUN_NS, 2)])
def test_a_session_may_give_up_only_what_has_just_begun(disk: Path, late_ns: int, number: int) -> None:
    promises = Promises(frames={0: TIMES, 1: [500]}, saved={0}, discarded={1: 500 + late_ns})
    assert len(found(disk, promises)) == number


@pytest.mark.parametrize("promise", ["saved", "kept", "ended"])
def test_what_was_promised_is_missed_although_it_was_discarded(disk: Path, promise: str) -> None:
    promises = Promises(frames={1: [500]}, discarded={1: 501}, **{promise: {1}})
    assert found(disk, promises) == ["not in the dataset; of its log there is: nothing"]


def test_what_there_is_of_a_log_that_is_not_in_the_dataset_is_told(disk: Path) -> None:
    EpisodeWriter(log_of(disk, 1), TIMED, episode=1, task="Pick the cube", started_ns=0).close(Outcome(saved=False))
    gone = "not in the dataset; of its log there is: episode-000001.mcap.discarded"
    assert found(disk, Promises(saved={1})) == [gone]


def test_an_episode_that_is_not_there(disk: Path) -> None:
    assert found(disk, Promises(saved={0, 1})) == ["", "not in the dataset; of its log there is: nothing"]


def test_values_that_are_not_those_of_the_log(disk: Path) -> None:
    log_of(disk, 0).unlink()
    write(disk, 2.0)
    assert found(disk, Promises(saved={0})) == ["action is not what the log has"]


def test_a_log_that_has_a_row_more_than_the_dataset(disk: Path) -> None:
    log_of(disk, 0).unlink()
    write(disk, 1.0, [*TIMES, 500])
    assert found(disk, Promises(saved={0})) == ["4 frames in the dataset, 5 rows in the log"]


def test_a_log_that_nobody_recovered_and_a_video_that_is_gone(disk: Path) -> None:
    EpisodeWriter(log_of(disk, 1), TIMED, episode=1, task="Pick the cube", started_ns=0).abandon()
    next(dataset(disk).rglob("*.mp4")).unlink()
    unrecovered, *others = wrong(dataset(disk))
    assert unrecovered.endswith("not recovered")
    assert others
