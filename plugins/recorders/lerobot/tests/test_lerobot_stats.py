"""Statistics of columns, images and whole datasets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hilt_recorder_lerobot.stats import NAMES, QUANTILES, ImageStats, aggregate, of_column, sampled_frames

values = st.floats(-1e3, 1e3, width=32)
columns = st.integers(1, 40).flatmap(lambda rows: arrays(np.float32, (rows, 2), elements=values))


@given(st.lists(columns, min_size=1, max_size=5))
def test_a_dataset_has_the_statistics_of_all_its_frames(episodes: list[Any]) -> None:
    pooled, whole = aggregate([of_column(each) for each in episodes]), of_column(np.concatenate(episodes))
    for name in ("min", "max", "count"):
        assert pooled[name].tolist() == whole[name].tolist()
    for name in ("mean", "std"):
        np.testing.assert_allclose(pooled[name], whole[name], atol=1e-3)


@given(st.lists(columns, min_size=1, max_size=5))
def test_quantiles_of_a_dataset_ascend_between_its_extremes(episodes: list[Any]) -> None:
    pooled = aggregate([of_column(each) for each in episodes])
    ladder = np.array([pooled[name] for name in ("min", *QUANTILES, "max")])
    assert (np.diff(ladder, axis=0) >= -1e-3).all()


def test_quantiles_of_a_dataset_are_those_of_its_frames_and_not_of_its_extreme_episodes() -> None:
    random = np.random.default_rng(0)
    episodes = [random.normal(center, 1.0, (500, 1)) for center in (-3, -1, 0, 0, 1, 3, 0, 0, 0, 0)]
    pooled = aggregate([of_column(each) for each in episodes])
    for name, share in QUANTILES.items():
        assert pooled[name][0] == pytest.approx(np.quantile(np.concatenate(episodes), share), abs=0.35)
    assert min(of_column(each)["q10"][0] for each in episodes) < pooled["q10"][0] - 1.5


def test_quantiles_of_a_flag() -> None:
    episodes = [np.array([[False]] * 30 + [[True]] * 70), np.array([[False]] * 100)]
    pooled = aggregate([of_column(each) for each in episodes])
    assert [pooled[name][0] for name in QUANTILES] == [0, 0, 0, 1, 1]


def test_one_episode_keeps_its_quantiles() -> None:
    stats = of_column(np.arange(100.0)[:, None])
    for name, value in aggregate([stats]).items():
        np.testing.assert_allclose(value, stats[name], atol=1e-9)


def test_frames_without_a_value_do_not_count() -> None:
    holes = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    stats = of_column(holes)
    assert stats["count"].tolist() == [2]
    assert stats["mean"].tolist() == [2, 0]
    empty = of_column(np.full((4, 2), np.nan))
    assert empty["count"].tolist() == [0]
    assert {name: value.tolist() for name, value in aggregate([empty, stats]).items()} == {
        name: value.tolist() for name, value in aggregate([stats]).items()
    }
    assert not any(aggregate([empty])[name].any() for name in NAMES)


def test_quantiles_that_an_episode_lacks_are_left_out() -> None:
    stats = of_column(np.arange(10.0)[:, None])
    old = {name: value for name, value in stats.items() if name not in QUANTILES}
    assert list(aggregate([stats, old])) == ["min", "max", "mean", "std", "count"]


@given(arrays(np.uint8, (3, 6, 8, 3)))
def test_images_have_exact_statistics(images: Any) -> None:
    measured = ImageStats()
    for image in images:
        measured.add(image)
    stats = measured.result(frames=77)
    pixels = images.reshape(-1, 3) / 255
    for name, expected in of_column(pixels).items():
        if name != "count":
            assert stats[name].shape == (3, 1, 1)
            np.testing.assert_allclose(stats[name].ravel(), expected, atol=1e-9)
    assert stats["count"].tolist() == [77]


def test_large_images_are_thinned() -> None:
    stats = ImageStats()
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    image[::4, ::4] = 255
    stats.add(image)
    assert stats.result(1)["mean"].ravel().tolist() == [1, 1, 1]


@pytest.mark.parametrize(("length", "count"), [(1, 1), (60, 60), (100, 100), (400, 100), (1800, 276), (500_000, 10_000)])
def test_frames_are_sampled_evenly(length: int, count: int) -> None:
    frames = sampled_frames(length)
    assert (len(frames), frames[0], frames[-1]) == (count, 0, length - 1)
