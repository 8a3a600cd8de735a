"""A hand on the leader: it holds a pose, or moves it along a path at a steady speed."""

from collections.abc import Sequence

import numpy as np

from hilt_hooks import Floats


class Hand:
    """Where the hand wants the leader's joints, in rad. It has no forces of its own: the world's hand drives have.

    Not thread-safe; the process that steps the world owns it.
    """

    def __init__(self) -> None:
        self.target: Floats | None = None
        self._path: list[tuple[Floats, float]] = []

    @property
    def holds(self) -> bool:
        return self.target is not None

    @property
    def moving(self) -> bool:
        return bool(self._path)

    def hold(self, pose: Floats) -> None:
        self.target, self._path = np.array(pose, np.float64), []

    def release(self) -> None:
        self.target, self._path = None, []

    def move(self, start: Floats, path: Sequence[tuple[Floats, float]]) -> None:
        """Go from where the hand is, or take hold at `start`. path: poses, each with the speed of its fastest joint, rad/s."""
        if self.target is None:
            self.target = np.array(start, np.float64)
        self._path = [(np.asarray(pose, np.float64), speed) for pose, speed in path]

    def advance(self, seconds: float) -> None:
        while self.target is not None and self._path and seconds > 0.0:
            pose, speed = self._path[0]
            way = pose - self.target
            takes = float(np.abs(way).max()) / speed
            if takes <= seconds:
                self.target = self._path.pop(0)[0]
            else:
                self.target = self.target + way * (seconds / takes)
            seconds -= takes
