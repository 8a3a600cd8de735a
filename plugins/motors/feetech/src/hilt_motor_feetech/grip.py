"""A gripper stalls whenever it holds something: it is spared, and never made to drop what it holds.

The servo protects itself (`Overload_Torque`, `Protection_Time`, `Protection_Current`): it then pushes with `Protective_Torque`
only, and stays so, which users know as a gripper that has died until its power is cycled. What clears this is switching its
torque off. Nobody wants that while it holds something. So the latch is left alone, and the gripper goes on holding with less
force, until it is told to let go; then its target is put where it is, its torque goes off and on again within a fraction of a
millisecond, and its target moves on from there no faster than it may. A gripper that is hot grips gently until it has cooled.
"""

from collections.abc import Mapping

from attrs import define, field, frozen

from hilt_motor_feetech.bus import FeetechBus
from hilt_motor_feetech.health import OVERCURRENT, OVERLOAD

_LATCHED = OVERLOAD | OVERCURRENT
_SLACK_STEPS = 20
"""A target so near to where the gripper is, under 2 degrees, pushes no more."""
_AGAIN_NS = 1_000_000_000
"""Between two attempts to clear a latch."""
_STUBBORN = 3
"""Attempts after which the operator is told that it takes more."""


@frozen
class Grip:
    """motor: its name. torque: its Torque_Limit. gentle: the one while it is hot; both 0 to 1000 (0.1 %).

    strokes: how often a second it may go from end to end while it catches up.
    """

    motor: str
    torque: int
    gentle: int = 200
    strokes: float = 3.0


@define
class GripGuard:
    """Sees every reading and every target of one gripper. Positions are steps, times monotonic ns."""

    grip: Grip
    _speed: float = 0.0
    _at: int | None = None
    _target: int = 0
    _goal: float | None = None
    _goal_ns: int = 0
    _push: int | None = None
    _attempts: int = 0
    _attempt_ns: int = 0
    _gentle: bool = False
    _unproven: dict[str, int] = field(factory=dict)

    def begin(self, steps: int) -> None:
        """Forget everything, as after connecting. steps: of the calibrated range."""
        self._speed = steps * self.grip.strokes
        self._at = self._push = self._goal = None
        self._attempts, self._gentle = 0, False
        self._unproven.clear()

    def switched(self) -> None:
        """Somebody else has switched the torque, and with it cleared whatever was latched."""
        self._push = self._goal = None
        self._unproven.pop("Torque_Enable", None)
        self.looked_away()

    def looked_away(self) -> None:
        """Time has passed without a reading: where the gripper was is not where it is."""
        self._at = None

    @property
    def unproven(self) -> Mapping[str, int]:
        """Registers that were written, and not read back yet."""
        return self._unproven

    def is_switching(self, now_ns: int) -> bool:
        """Whether its torque is on the way off and on again; one that does not come back is not."""
        return "Torque_Enable" in self._unproven and now_ns - self._attempt_ns < _AGAIN_NS

    @property
    def told(self) -> str:
        """What the operator should know besides the servo's own words."""
        said = []
        if self._attempts >= _STUBBORN:
            said.append("its overload does not clear: switch its power off and on")
        elif self._push is not None:
            said.append("it goes on holding and gets its force back when it is opened a little")
        if self._gentle:
            said.append(f"it grips with {self.grip.gentle / 10:.0f} % until it has cooled")
        return ", ".join(said)

    def see(self, at: int | None, errors: int, warm: bool) -> None:
        """at: where it is, None if it did not answer. errors: the bits of its last answer."""
        self._at = at
        if warm != self._gentle:
            self._gentle = warm
            self._unproven["Torque_Limit"] = self.grip.gentle if warm else self.grip.torque
        if not errors & _LATCHED:
            self._push, self._attempts = None, 0
        elif self._push is None and self._at is not None:
            ahead = self._target - self._at
            self._push = 0 if abs(ahead) <= _SLACK_STEPS else (1 if ahead > 0 else -1)

    def goal(self, target: int, now_ns: int) -> int:
        """What to send in place of `target`."""
        self._target = target
        if self._at is not None and self._clears(self._at, now_ns):
            self._attempts, self._attempt_ns = self._attempts + 1, now_ns
            self._unproven["Torque_Enable"] = 1
            self._goal, self._goal_ns = float(self._at), now_ns
        if self._goal is None:
            return target
        goal, proven = self._goal, "Torque_Enable" not in self._unproven
        if proven:
            reach = self._speed * (now_ns - self._goal_ns) / 1e9
            goal += max(-reach, min(reach, target - goal))
        self._goal, self._goal_ns = (None if proven and round(goal) == target else goal), now_ns
        return round(goal)

    def act(self, bus: FeetechBus, now_ns: int) -> None:
        """After the goal was sent: what goes with it. No servo answers, so this costs no time."""
        if self._attempt_ns == now_ns:
            bus.sync_write("Torque_Enable", {self.grip.motor: 0})
        for register, value in self._unproven.items():
            bus.sync_write(register, {self.grip.motor: value})

    def prove(self, bus: FeetechBus, deadline_ns: int) -> None:
        """Read one of the registers back that were written; what has not arrived is written once more."""
        register = next(iter(self._unproven))
        if bus.sync_read(register, deadline_ns, retries=0)[self.grip.motor] == self._unproven[register]:
            del self._unproven[register]

    def _clears(self, at: int, now_ns: int) -> bool:
        """Whether the gripper is latched, and lets go of what it pushed against."""
        if self._push is None or "Torque_Enable" in self._unproven or now_ns - self._attempt_ns < _AGAIN_NS:
            return False
        return self._push * (self._target - at) <= _SLACK_STEPS
