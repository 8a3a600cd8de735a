"""What the person's arm asks of the robot, without a step at the takeover."""

import numpy as np
from attrs import frozen

from hilt_hooks import Floats


@frozen
class Handover:
    """How what remains between leader and robot at a takeover is dealt with.

    bleed: units per second by which the offset shrinks; 0 keeps it (a clutch: relative motion from where the leader is).
    """

    bleed: float = 10.0


class LeaderSource:
    """The leader's pose plus an offset that was zero error at the takeover and then shrinks."""

    def __init__(self, handover: Handover, period_s: float) -> None:
        self._step = self._bleed = handover.bleed * period_s
        self._offset: Floats | None = None

    def engage(self, robot: Floats, leader: Floats, *, keep: bool = False) -> None:
        """keep: do not take the offset back this time."""
        self._offset, self._step = robot - leader, 0.0 if keep else self._bleed

    def release(self) -> None:
        self._offset = None

    @property
    def engaged(self) -> bool:
        return self._offset is not None

    def target(self, leader: Floats) -> Floats:
        """Where the robot should be now; shrinks the offset by one period."""
        if self._offset is None:
            raise RuntimeError("the leader is not engaged")
        wanted: Floats = leader + self._offset
        self._offset = np.sign(self._offset) * np.maximum(np.abs(self._offset) - self._step, 0.0)
        return wanted
