"""Which actions belong to a sample, and in which order samples come."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from train_datasets import circle, write_dataset

from hilt_command_train.config import DatasetConfig
from hilt_command_train.memory import check_fits
from hilt_command_train.samples import Samples, run_ends, shuffled
from hilt_command_train.source import load_samples, open_source
from hilt_hooks import ConfigError


def test_runs_end_with_their_episode_and_before_a_gap():
    episodes = np.array([0, 0, 0, 0, 1, 1, 1])
    boundaries = np.array([False, False, True, False, True, False, False])
    np.testing.assert_array_equal(run_ends(episodes, boundaries), [2, 2, 4, 4, 7, 7, 7])


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    gaps=st.sets(st.integers(0, 29)),
    chunk=st.integers(1, 9),
)
def test_a_window_never_leaves_its_run(lengths, gaps, chunk):
    episodes = np.repeat(np.arange(len(lengths)), lengths)
    count = len(episodes)
    boundaries = np.isin(np.arange(count), list(gaps))
    run = np.cumsum(np.concatenate([[0], (episodes[1:] != episodes[:-1]) | boundaries[1:]]))
    values = np.arange(count, dtype=np.float32)[:, None]
    samples = Samples({"action": values, "observation.state": values}, {}, run_ends(episodes, boundaries))
    batch = samples.batch(np.arange(count), chunk)
    for row in range(count):
        rest = np.flatnonzero((run == run[row]) & (np.arange(count) >= row))
        wanted = [*rest, *[rest[-1]] * chunk][:chunk]
        np.testing.assert_array_equal(batch["action"][row, :, 0], wanted)
        np.testing.assert_array_equal(batch["action_is_pad"][row], np.arange(chunk) >= len(rest))


def test_images_come_as_planes_between_zero_and_one():
    frames = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    samples = Samples({"action": np.zeros((2, 1), np.float32)}, {"observation.images.front": frames}, np.array([2, 2]))
    planes = samples.batch(np.array([1]), 1)["observation.images.front"]
    np.testing.assert_array_equal(planes[0, 2], frames[1, :, :, 2].astype(np.float32) / np.float32(255))


@given(count=st.integers(1, 20), size=st.integers(1, 25), seed=st.integers(0, 5))
def test_every_row_comes_once_before_any_comes_again(count, size, seed):
    rows = np.concatenate(list(itertools.islice(shuffled(count, size, np.random.default_rng(seed)), 8)))
    for start in range(0, len(rows) - count + 1, count):
        assert sorted(rows[start : start + count]) == list(range(count))


def test_a_dataset_is_read_with_its_gaps_and_names(tmp_path):
    source = open_source(DatasetConfig(repo_id="me/round", root=str(write_dataset(tmp_path / "set"))))
    assert source.actions == source.state == ("a.pos", "b.pos")
    samples = load_samples(source, source.inputs, lambda _: None)
    np.testing.assert_array_equal(samples.vectors["action"][:40], circle(40, 0)[1:])
    np.testing.assert_array_equal(samples.ends, [12] * 12 + [40] * 28 + [70] * 30)


def test_some_episodes_can_be_chosen(tmp_path):
    root = str(write_dataset(tmp_path / "set"))
    source = open_source(DatasetConfig(repo_id="me/round", root=root, episodes=(1,)))
    samples = load_samples(source, source.inputs, lambda _: None)
    np.testing.assert_array_equal(samples.vectors["observation.state"], circle(30, 1)[:-1])
    np.testing.assert_array_equal(samples.ends, [30] * 30)
    with pytest.raises(ConfigError, match=r"dataset\.episodes: \[2\] not in .* it has the episodes 0 to 1"):
        open_source(DatasetConfig(repo_id="me/round", root=root, episodes=(0, 2)))


def test_frames_that_do_not_fit_into_memory_are_refused_before_they_are_read():
    check_fits(2**20)
    with pytest.raises(ConfigError, match=r"1048576\.0 GiB of memory.*--policy\.resize"):
        check_fits(2**50)
