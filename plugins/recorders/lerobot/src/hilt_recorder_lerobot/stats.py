"""Statistics of features: of an episode, and of a dataset from those of its episodes.

Names and shapes are LeRobot's. `count` is the number of frames that have a value. A quantile of an episode is the
smallest value that at least that share of its frames do not exceed. A component without any value has zeros.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilt_hooks import Floats

Stats = Mapping[str, Floats]
"""Statistic -> values; (n,) for a feature of n components, (3, 1, 1) for images, (1,) for `count`."""

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
NAMES = ("min", "max", "mean", "std", "count", *QUANTILES)
_LEVELS = 256


def _of_component(values: Floats) -> list[float]:
    """min, max, mean, std and quantiles of (T,) values; those that are not finite are left out."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return [0.0] * (4 + len(QUANTILES))
    quantiles = np.quantile(finite, list(QUANTILES.values()), method="inverted_cdf")
    return [finite.min(), finite.max(), finite.mean(), finite.std(), *quantiles]


def of_column(values: NDArray[Any]) -> dict[str, Floats]:
    """Statistics of a numeric column. values: (T, n), any numeric dtype."""
    numbers = values.astype(np.float64)
    by_component = np.array([_of_component(component) for component in numbers.T])
    stats = dict(zip(("min", "max", "mean", "std", *QUANTILES), by_component.T, strict=True))
    stats["count"] = np.array([np.isfinite(numbers).any(axis=1).sum()], dtype=np.float64)
    return {name: stats[name] for name in NAMES}


class ImageStats:
    """Exact statistics of 8-bit images, scaled to 0..1, one channel each, from histograms."""

    def __init__(self) -> None:
        self._histograms = np.zeros((3, _LEVELS), dtype=np.int64)

    def add(self, image: NDArray[np.uint8]) -> None:
        """image: (h, w, 3). A large one is thinned to about 150 pixels along its longer side, as LeRobot does."""
        longer = max(image.shape[:2])
        step = longer // 150 if longer >= 300 else 1
        for channel in range(3):
            pixels = image[::step, ::step, channel].ravel()
            self._histograms[channel] += np.bincount(pixels, minlength=_LEVELS)

    def result(self, frames: int) -> dict[str, Floats]:
        """Statistics of shape (3, 1, 1). frames: how many frames the sampled images stand for."""
        by_channel = np.array([_of_histogram(histogram) for histogram in self._histograms])
        stats = {
            name: values.reshape(3, 1, 1)
            for name, values in zip(("min", "max", "mean", "std", *QUANTILES), by_channel.T, strict=True)
        }
        stats["count"] = np.array([frames], dtype=np.float64)
        return {name: stats[name] for name in NAMES}


def _of_histogram(histogram: NDArray[np.int64]) -> list[float]:
    levels = np.arange(_LEVELS) / (_LEVELS - 1)
    cumulative = np.cumsum(histogram)
    total = cumulative[-1]
    present = np.flatnonzero(histogram)
    mean = float(levels @ histogram / total)
    variance = float((levels - mean) ** 2 @ histogram / total)
    quantiles = [levels[np.searchsorted(cumulative, share * total)] for share in QUANTILES.values()]
    return [levels[present[0]], levels[present[-1]], mean, variance**0.5, *quantiles]


def sampled_frames(length: int) -> list[int]:
    """Which frames of a video its statistics are taken from: length^0.75 of them, 100 to 10000, evenly spread."""
    count = min(length, int(np.clip(length**0.75, 100, 10_000)))
    return sorted({round(frame) for frame in np.linspace(0, length - 1, count).tolist()})


def aggregate(episodes: Sequence[Stats]) -> dict[str, Floats]:
    """Statistics of a feature over a dataset from those of its episodes.

    min, max, mean and std are those of all frames pooled. Quantiles are taken from the mixture of the episodes'
    distributions, each a straight line between its known quantiles: where LeRobot gives the outermost quantile of any
    single episode, this estimates the quantile of all frames. Statistics that an episode lacks are left out.
    """
    filled = [stats for stats in episodes if stats["count"][0] > 0]
    if not filled:
        return {name: np.zeros_like(values) for name, values in episodes[0].items()}
    weights = np.array([stats["count"][0] for stats in filled])
    stacked = {name: np.stack([stats[name] for stats in filled]) for name in NAMES if all(name in stats for stats in filled)}
    mean = np.average(stacked["mean"], axis=0, weights=weights)
    spread = stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2
    result = {
        "min": stacked["min"].min(axis=0),
        "max": stacked["max"].max(axis=0),
        "mean": mean,
        "std": np.sqrt(np.average(spread, axis=0, weights=weights)),
        "count": np.array([weights.sum()]),
    }
    if all(name in stacked for name in QUANTILES):
        result |= _mixed_quantiles(stacked, weights)
    return result


def _mixed_quantiles(stacked: Mapping[str, Floats], weights: Floats) -> dict[str, Floats]:
    """stacked: statistic -> (E, *shape). Gives quantile -> (*shape)."""
    shape = stacked["min"].shape[1:]
    known = np.stack([stacked[name] for name in ("min", *QUANTILES, "max")], axis=1)
    known = np.maximum.accumulate(known.reshape(*known.shape[:2], -1), axis=1)
    mixed = np.array([_invert_mixture(known[:, :, component], weights) for component in range(known.shape[2])])
    return {name: values.reshape(shape) for name, values in zip(QUANTILES, mixed.T, strict=True)}


def _invert_mixture(known: Floats, weights: Floats) -> Floats:
    """Quantiles of a mixture. known: (E, 7), ascending: each episode's min, quantiles and max. weights: (E,)."""
    shares = np.diff([0.0, *QUANTILES.values(), 1.0])
    mass = (weights[:, None] / weights.sum() * shares).ravel()
    left, right = known[:, :-1].ravel(), known[:, 1:].ravel()
    total_width = right.max() - left.min()
    is_step = right - left <= 1e-6 * total_width
    slope = mass / np.where(is_step, 1.0, right - left) * ~is_step
    points = np.concatenate([left, right])
    order = np.argsort(points, kind="stable")
    slopes = np.cumsum(np.concatenate([slope, -slope])[order])
    steps = np.concatenate([mass * is_step, np.zeros_like(mass)])[order]
    x = points[order]
    # Between two points the mixture rises by slope; at a point it jumps by its step: two rows each, before and after.
    rise = np.concatenate([[0.0], slopes[:-1] * np.diff(x)])
    after = np.cumsum(rise + steps)
    cumulative = np.column_stack([after - steps, after]).ravel()
    quantiles: Floats = np.interp(list(QUANTILES.values()), np.maximum.accumulate(cumulative), np.repeat(x, 2))
    return quantiles


def by_feature(names: Iterable[str], episodes: Sequence[Mapping[str, Stats]]) -> dict[str, dict[str, Floats]]:
    """Statistics of a dataset: feature -> statistic -> values, for the features of which an episode has statistics."""
    having = {name: [stats[name] for stats in episodes if stats.get(name)] for name in names}
    return {name: aggregate(stats) for name, stats in having.items() if stats}
