"""The frames of a dataset in memory, and batches of them."""

from collections.abc import Iterator, Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from hilt.processors import ACTION

PADDING = "action_is_pad"

Array = NDArray[np.float32]
Batch = Mapping[str, NDArray[np.float32] | NDArray[np.bool_]]


@frozen(eq=False)
class Samples:
    """vectors: feature -> (n, size) float32, `action` among them. images: feature -> (n, h, w, 3) uint8.

    ends: (n,) int64, one past the last frame of the run without a gap to which a frame belongs.
    """

    vectors: Mapping[str, Array]
    images: Mapping[str, NDArray[np.uint8]]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def batch(self, rows: NDArray[np.int64], chunk: int) -> Batch:
        """The frames `rows`, and for each the `chunk` actions from there on.

        Actions past the end of a run repeat its last one and are marked as padding: what comes after a pause, or in the
        next episode, does not follow from what is seen before it.
        """
        ahead = rows[:, None] + np.arange(chunk)
        last = self.ends[rows][:, None] - 1
        batch: dict[str, NDArray[np.float32] | NDArray[np.bool_]] = {
            name: values[rows] for name, values in self.vectors.items() if name != ACTION
        }
        for name, frames in self.images.items():
            batch[name] = frames[rows].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        batch[ACTION] = self.vectors[ACTION][np.minimum(ahead, last)]
        batch[PADDING] = ahead > last
        return batch


def run_ends(episodes: NDArray[np.int64], boundaries: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each frame, one past the last of its run. A run ends with its episode, and before a frame marked as boundary."""
    count = len(episodes)
    starts = np.flatnonzero(np.concatenate([[True], (episodes[1:] != episodes[:-1]) | boundaries[1:]]))
    stops = np.append(starts[1:], count)
    return np.repeat(stops, stops - starts).astype(np.int64)


def shuffled(count: int, size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches of rows without end; every row once before any comes again."""
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, random.permutation(count)])
        yield waiting[:size]
        waiting = waiting[size:]
