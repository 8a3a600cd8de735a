"""The arm's twin: it is in memory, moves as an arm does, and outlives every connection to it.

Keep it when `link.py` speaks to the real arm, and let it answer there: behind a pty or a socket, in the arm's own protocol.
"""

import math
import time

import numpy as np

from hilt_hooks import Floats
from {{ cookiecutter.__module }}.channels import NAMES

TIME_CONSTANT_S = 0.1


class EmulatedArm:
    """First order: with torque on, each joint covers 63 % of the way to its target in `TIME_CONSTANT_S`.

    plugged: False once the cable is out. answers: False while the arm is silent.
    """

    def __init__(self) -> None:
        self.plugged = self.answers = True
        self.torque = False
        self._at = self._target = np.zeros(len(NAMES))
        self._moved_s = time.monotonic()

    def positions(self) -> Floats | None:
        return self.where() if self.answers else None

    def move(self, targets: Floats) -> None:
        self.where()
        self._target = targets.copy()

    def set_torque(self, on: bool) -> None:
        self.where()
        self.torque = on

    def where(self) -> Floats:
        """Where the arm is now, whether it answers or not."""
        now = time.monotonic()
        if self.torque:
            self._at = self._target + (self._at - self._target) * math.exp((self._moved_s - now) / TIME_CONSTANT_S)
        self._moved_s = now
        return self._at


_ARMS: dict[str, EmulatedArm] = {}


def plugged_into(port: str) -> EmulatedArm:
    """The arm of this name; there is one for every name. Raises OSError when it has been unplugged."""
    arm = _ARMS.setdefault(port, EmulatedArm())
    if not arm.plugged:
        raise OSError("nothing is plugged in there")
    return arm
