"""What the driver may make of the goal of a gripper that has met more than it can move.

It begins where the gripper is, while the servo says that it is latched; from there it stays, or comes towards what the tick says
was sent, no faster than the gripper may.
"""

from attrs import define, field

_ROUNDED = 1.0
"""Steps by which rounding may take a goal further."""


@define
class GripWatch:
    """One gripper. id: of its servo. ends: of its calibrated range. speed: steps a second. Times are monotonic ns."""

    id: int
    ends: tuple[float, float]
    speed: float
    _goal: float | None = field(default=None, init=False)
    _goal_ns: int = field(default=0, init=False)

    def forget(self) -> None:
        """The arm was held anew."""
        self._goal = None

    def spares(self, goal: int, told: float, present: int, latched: bool, now_ns: int) -> bool:
        """Whether a goal other than `told`, in steps, may be on the bus."""
        since_s, self._goal_ns = (now_ns - self._goal_ns) / 1e9, now_ns
        low, high = self.ends
        begins = latched and abs(goal - min(high, max(low, present))) <= _ROUNDED
        comes = self._goal is not None and self._comes(goal, self._goal, told, since_s)
        self._goal = goal if begins or comes else None
        return begins or comes

    def _comes(self, goal: int, before: float, told: float, since_s: float) -> bool:
        on_the_way = min(before, told) - _ROUNDED <= goal <= max(before, told) + _ROUNDED
        return on_the_way and abs(goal - before) <= self.speed * since_s + _ROUNDED
