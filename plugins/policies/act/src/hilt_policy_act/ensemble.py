"""Temporal ensembling: overlapping chunks, averaged (arXiv:2304.13705, section IV-A)."""

import numpy as np

from hilt_hooks import Floats


class Ensemble:
    """Each step's action is the mean of all predictions made for it.

    The i-th of them, from the oldest, weighs exp(-coefficient i). Of each step only the mean and the weight are kept.
    """

    def __init__(self, coefficient: float, fps: float | None) -> None:
        self._coefficient = coefficient
        self._fps = fps
        self.reset()

    def reset(self) -> None:
        self._mean: Floats = np.empty((0, 0))
        self._weight: Floats = np.empty((0, 1))
        self._count = np.empty((0, 1), dtype=np.int64)
        self._time_ns = 0

    def add(self, chunk: Floats, time_ns: int) -> Floats:
        """chunk: (T, A), of the observation at time_ns. Returns the means (T, A) from that time on.

        How many steps have passed since the last call follows from the times; it is one where the checkpoint has no fps.
        """
        passed = self._steps_until(time_ns)
        mean, weight, count = self._mean[passed:], self._weight[passed:], self._count[passed:]
        fresh = np.exp(-self._coefficient * count)
        overlap = len(mean)
        if overlap:
            mean = (mean * weight + chunk[:overlap] * fresh) / (weight + fresh)
        rest = len(chunk) - overlap
        self._mean = np.concatenate([mean, chunk[overlap:]]) if overlap else chunk
        self._weight = np.concatenate([weight + fresh, np.ones((rest, 1))])
        self._count = np.concatenate([count + 1, np.ones((rest, 1), dtype=np.int64)])
        self._time_ns = time_ns
        return self._mean.copy()

    def _steps_until(self, time_ns: int) -> int:
        if not len(self._mean):
            return 0
        if self._fps is None:
            return 1
        return max(0, round((time_ns - self._time_ns) * 1e-9 * self._fps))
