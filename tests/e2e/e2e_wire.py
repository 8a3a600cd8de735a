"""What went over the wire of the bench, and where its arms were meanwhile."""

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from attrs import frozen

from hilt_hooks import Floats
from hilt_robot_emulated.bench import BenchClient
from hilt_robot_emulated.calibration import CHANNELS, ENCODERS
from hilt_robot_emulated.wire import WireReader


@frozen(eq=False)
class Goals:
    """times: (n,) monotonic ns at which a packet was complete at the servos. steps: (n, 6) its goals.

    values: (n, 6) the same in channel units.
    """

    times: Floats
    steps: Floats

    @property
    def values(self) -> Floats:
        joints = range(len(CHANNELS))
        zeros = np.array([to_value(joint, 0.0) for joint in joints])
        units = np.array([step_of(joint) for joint in joints])
        values: Floats = zeros + self.steps * units
        return values

    def since(self, time_ns: int) -> "Goals":
        return Goals(self.times[self.times > time_ns], self.steps[self.times > time_ns])

    def changed(self) -> Floats:
        """(m,) times of those that differ from the one before."""
        changed: Floats = self.times[1:][(np.diff(self.steps, axis=0) != 0).any(axis=1)]
        return changed

    def __len__(self) -> int:
        return len(self.times)


def to_value(joint: int, steps: float) -> float:
    """A goal on the wire -> degrees, or percent of the gripper, as the calibration file says."""
    encoder = ENCODERS["robot"][joint]
    if encoder.joint == "gripper":
        return (steps - encoder.range_min) / (encoder.range_max - encoder.range_min) * 100.0
    return (steps - (encoder.range_min + encoder.range_max) / 2) * 360.0 / 4095


def step_of(joint: int) -> float:
    """What one step on the wire is in the channel's unit."""
    return to_value(joint, 1.0) - to_value(joint, 0.0)


class Wire:
    """Follows the wire and, often enough to see a dip, the world. All from a thread that does nothing else."""

    def __init__(self, bench: BenchClient) -> None:
        self._bench, self._reader = BenchClient.find(str(bench.folder)), WireReader(bench.folder)
        self._goals: dict[str, list[tuple[int, list[int]]]] = {"robot": [], "leader": []}
        self._packets = 0
        self._states: list[tuple[int, Mapping[str, Any]]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._reader.close()
        self._bench.close()

    def _follow(self) -> None:
        while not self._over.wait(0.01):
            for entry in self._reader.drain():
                self._packets += 1
                if len(entry.goals) == len(CHANNELS):
                    self._goals[entry.arm].append((entry.arrival_ns, [entry.goals[motor] for motor in sorted(entry.goals)]))
            self._states.append((time.monotonic_ns(), self._bench.state()))

    def goals(self, arm: str = "robot", last: int = 0) -> Goals:
        """The packets so far that set the goals of the whole arm: all, or so many of the last ones."""
        rows = self._goals[arm][-last:]
        return Goals(np.array([at for at, _ in rows]), np.array([steps for _, steps in rows], float).reshape(-1, len(CHANNELS)))

    @property
    def lost(self) -> int:
        return self._reader.lost

    @property
    def silent(self) -> bool:
        """Whether nothing was written at all, to either arm."""
        return not self._packets

    def poses(self, arm: str = "robot", since_ns: int = 0) -> Floats:
        """(n, 6) in channel units, some 100 a second."""
        poses = [[state[arm][name] for name in CHANNELS] for at, state in list(self._states) if at > since_ns]
        return np.array(poses).reshape(-1, len(CHANNELS))

    def torque(self, arm: str = "robot", since_ns: int = 0) -> Floats:
        """(n, 6) of bool."""
        return np.array([state["torque"][arm] for at, state in list(self._states) if at > since_ns])

    def moving(self, since_ns: int = 0) -> bool:
        """Whether the goals of the robot have been changing in every one of the last ten packets."""
        steps = self.goals(last=11).since(since_ns).steps
        return len(steps) == 11 and bool((np.abs(np.diff(steps, axis=0)).max(axis=1) > 0).all())

    def still(self, since_ns: int) -> bool:
        """Whether the last 15 goals of the robot, all later than that, are the same."""
        steps = self.goals(last=15).since(since_ns).steps
        return len(steps) == 15 and not np.diff(steps, axis=0).any()
