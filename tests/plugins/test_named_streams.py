"""Cameras whose streams have names, from the plan to the policy and the dataset."""

import json
from pathlib import Path

import numpy as np
from e2e_checkpoint import write_policy
from e2e_commands import collect, instead, record, scripted
from isolation_runs import Ran, hilt

from hilt.log import EpisodeLog
from hilt_recorder_lerobot.reader import Dataset
from hilt_robot_emulated.bench import Bench

WATCH = """
episode:
  - hand: align
  - press: start
  - wait: autonomous
  - sleep: 1.5
  - press: success
reset:
  - press: next
"""


def run(command: list[str], bench: Bench, camera: str) -> Ran:
    """With a camera of the fixture, which sees what `front` of the bench does."""
    view = bench.description["cameras"]["front"]
    listed = {"front": {"type": camera, "bench": str(bench.folder), "name": "front", **view}}
    return hilt(instead(command, "robot.cameras", json.dumps(listed)), plugins=("stereo",))


def test_every_stream_is_recorded_and_shown_to_the_policy(cameras: Bench, tmp_path: Path) -> None:
    root, script = tmp_path / "dataset", tmp_path / "operator.yaml"
    script.write_text(WATCH)
    policy = write_policy(tmp_path / "policy", ("front_left", "front_right"))
    command = [*collect(cameras, root, policy, *scripted(cameras, str(script))), "--dataset.num_episodes=1"]
    ran = run(command, cameras, "fixture_stereo")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    dataset = Dataset(root)
    assert dataset.check() == []
    images = [name for name in dataset.frame(0) if name.startswith("observation.images.")]
    assert sorted(images) == ["observation.images.front_left", "observation.images.front_right"]
    for index in (0, len(dataset) - 1):
        left, right = (dataset.frame(index)[name].astype(int) for name in sorted(images))
        assert left.mean() > 20
        assert right.mean() > 20
    assert np.abs(left - right).mean() > 2 * np.abs(left - right[:, ::-1]).mean(), "the right eye sees the mirror image"
    dataset.close()
    (log,) = root.glob("hilt/logs/*/*.mcap")
    assert any(tick.proposed is not None for tick in EpisodeLog(log).ticks())


def test_what_will_be_recorded_is_said_before(cameras: Bench, tmp_path: Path) -> None:
    command = [*record(cameras, tmp_path / "dataset", *scripted(cameras, "demonstrate")), "--dry-run"]
    ran = run(command, cameras, "fixture_stereo")
    assert ran.returncode == 0, ran.stderr
    assert "left 160x120, right 160x120" in ran.stdout


def test_a_stream_that_cannot_be_recorded_is_refused(cameras: Bench, tmp_path: Path) -> None:
    ran = run(record(cameras, tmp_path / "dataset", *scripted(cameras, "demonstrate")), cameras, "fixture_depth")
    assert ran.returncode == 2
    assert "camera front_depth: 160x120x1 uint16 cannot be recorded: only colour images" in ran.stderr
    assert not ran.stdout


def test_a_policy_is_shown_colours_only(cameras: Bench, tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "policy", ("front_depth",))
    command = collect(cameras, tmp_path / "dataset", policy, *scripted(cameras, "intervene"))
    ran = run(command, cameras, "fixture_depth")
    assert ran.returncode == 2
    assert "it needs the camera 'front_depth'; there are front" in ran.stderr
