"""What the servos move."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import define

from hilt_motor_feetech.table import STEPS


class Plant(Protocol):
    """What moves. Positions are encoder steps, 4096 a turn, not wrapped, before Homing_Offset."""

    def position(self, motor_id: int) -> float: ...

    def velocity(self, motor_id: int) -> float:
        """Steps/s."""

    def load(self, motor_id: int) -> float:
        """-1 to 1 of the stall torque."""

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        """goal: where to, None with torque off. torque_limit: 0 to 1 of the stall torque."""


@define
class _Shaft:
    position: float
    goal: float | None = None
    torque_limit: float = 1.0
    moved_ns: int = 0
    lower: float = -math.inf
    upper: float = math.inf


class FirstOrderPlant:
    """Shafts without inertia: each closes in on its goal within a time constant and a top speed. For tests without physics."""

    def __init__(
        self,
        positions: Mapping[int, float] | None = None,
        *,
        time_constant_s: float = 0.05,
        top_speed: float = 4000.0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """positions: motor id -> steps, 2048 where not given. top_speed: steps/s."""
        self._time_constant_s, self._top_speed, self._clock = time_constant_s, top_speed, clock
        self._shafts = {id: _Shaft(position) for id, position in (positions or {}).items()}

    def position(self, motor_id: int) -> float:
        return self._advance(motor_id).position

    def velocity(self, motor_id: int) -> float:
        shaft = self._advance(motor_id)
        if shaft.goal is None:
            return 0.0
        speed = (shaft.goal - shaft.position) / self._time_constant_s
        return max(-self._top_speed, min(self._top_speed, speed))

    def load(self, motor_id: int) -> float:
        shaft = self._advance(motor_id)
        if shaft.goal is None:
            return 0.0
        return max(-shaft.torque_limit, min(shaft.torque_limit, (shaft.goal - shaft.position) / 200))

    def command(self, motor_id: int, goal: float | None, torque_limit: float) -> None:
        shaft = self._advance(motor_id)
        shaft.goal, shaft.torque_limit = goal, torque_limit

    def push(self, motor_id: int, position: float) -> None:
        """Put a shaft somewhere, as a hand does."""
        self._advance(motor_id).position = position

    def block(self, motor_id: int, lower: float = -math.inf, upper: float = math.inf) -> None:
        """Put something rigid in the way of a shaft; without ends, take it away."""
        shaft = self._advance(motor_id)
        shaft.lower, shaft.upper = lower, upper

    def _advance(self, motor_id: int) -> _Shaft:
        now = self._clock()
        shaft = self._shafts.setdefault(motor_id, _Shaft(STEPS / 2))
        elapsed_s, shaft.moved_ns = (now - shaft.moved_ns) / 1e9 if shaft.moved_ns else 0.0, now
        if shaft.goal is not None and shaft.torque_limit > 0:
            step = (shaft.goal - shaft.position) * -math.expm1(-elapsed_s / self._time_constant_s)
            reach = self._top_speed * elapsed_s
            moved = shaft.position + max(-reach, min(reach, step))
            shaft.position = max(shaft.lower, min(shaft.upper, moved))
        return shaft
