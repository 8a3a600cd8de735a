"""`hilt record` with an operator who demonstrates once."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import frozen
from e2e_commands import TASK, record, scripted
from e2e_session import Terminal, run
from e2e_wire import Wire

from hilt.log import EpisodeLog
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench

FPS = 30
LONGEST_S = 200.0
"""A whole session, on a machine that runs other tests as well."""

pytestmark = pytest.mark.timeout(1.2 * LONGEST_S)


@frozen
class Recorded:
    ran: "subprocess.CompletedProcess[str]"
    dataset: Dataset
    log: EpisodeLog
    success: bool


@pytest.fixture(scope="module")
def recorded(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    root = tmp_path_factory.mktemp("record") / "dataset"
    ran = run(record(bench, root, *scripted(bench, "demonstrate"), "--dataset.num_episodes=1"), timeout_s=LONGEST_S)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    (log,) = root.glob("hilt/logs/*/*.mcap")
    dataset = Dataset(root)
    yield Recorded(ran, dataset, EpisodeLog(log), bench.state()["success"])
    dataset.close()


def test_the_episode_is_in_the_dataset(recorded: Recorded) -> None:
    assert len(recorded.dataset.episodes) == 1
    assert recorded.dataset.tasks == [TASK]
    assert recorded.log.outcome is not None
    assert recorded.log.outcome.saved
    assert {tuple(row) for row in recorded.dataset.episode(0)["hilt.success"]} == {(int(recorded.success),)}


def test_rows_are_video_frames(recorded: Recorded) -> None:
    """`check` counts the frames of every video."""
    assert recorded.dataset.check() == []
    assert len(recorded.dataset.episodes[0].videos) == 2
    assert len(list(recorded.log.rows())) == len(recorded.dataset) > 60


def test_a_demonstration_is_human_throughout(recorded: Recorded) -> None:
    """And no intervention: there was no policy to relieve. No boundary either, where no frame is missing."""
    columns = recorded.dataset.episode(0)
    assert not columns["intervention"].any()
    assert set(columns["hilt.source"][:, 0]) == {recorded.dataset.meaning["hilt.source"]["human"]}
    skipped = np.diff(columns["hilt.time_ns"][:, 0]) > 1.5e9 / FPS  # on a busy machine
    np.testing.assert_array_equal(columns["hilt.boundary"][:, 0], [False, *skipped])


def test_the_arm_went_where_the_hand_led_it(recorded: Recorded) -> None:
    columns = recorded.dataset.episode(0)
    assert np.ptp(columns["action"], axis=0).max() > 30
    late = 5  # frames: what is asked for now, a servo has reached then
    assert np.abs(columns["action"][:-late] - columns["observation.state"][late:])[:, :5].mean() < 3


def test_the_images_show_the_arm_moving(recorded: Recorded) -> None:
    first, last = recorded.dataset.frame(0), recorded.dataset.frame(len(recorded.dataset) - 1)
    for camera in ("front", "wrist"):
        before, after = (frame[f"observation.images.{camera}"].astype(int) for frame in (first, last))
        assert np.abs(before - after).mean() > 2


def test_the_summary_says_what_there_is(recorded: Recorded) -> None:
    said = recorded.ran.stdout
    assert "1 of 1 done; the arm holds" in said
    assert str(recorded.dataset.root) in said
    report = next(line.removeprefix("report: ") for line in said.splitlines() if line.startswith("report: "))
    assert Path(report).stat().st_size > 1000


def test_recording_into_it_again_has_to_be_asked_for(bench: Bench, recorded: Recorded) -> None:
    with Wire(bench) as wire:
        ran = run(record(bench, recorded.dataset.root, *scripted(bench, "demonstrate")))
        assert wire.silent
    assert ran.returncode == 2
    assert "holds 1 episodes already; append with --dataset.resume=true" in ran.stderr


def test_a_second_session_on_a_dataset_is_refused_and_the_first_goes_on(arms: Bench, tmp_path: Path) -> None:
    root = tmp_path / "dataset"
    with Terminal(record(arms, root, "--input.type=keyboard", "--dataset.num_episodes=1")) as first:
        first.phase("ready")
        first.press("enter")
        first.phase("human")
        second = run(record(arms, root, *scripted(arms, "demonstrate")), timeout_s=LONGEST_S)
        assert second.returncode == 2
        (log,) = root.glob("hilt/logs/*/episode-000000.mcap.part")
        assert f"{log.parent}: this session still records into the same dataset" in " ".join(second.stderr.split())
        first.press("right")
        assert first.answer_torque() == 0
        assert "episode 0 is saved" in first.text
