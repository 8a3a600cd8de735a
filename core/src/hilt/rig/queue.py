"""The actions that the policy wants carried out, and the command interpolation between them."""

import numpy as np

from hilt.ipc.messages import ChunkMessage
from hilt_hooks import Floats


class ActionQueue:
    """Chunks of one epoch. A new chunk replaces the old one from the action that is due now.

    What is due is counted in actions that were *carried out* since the observation, not in wall time: a first chunk, or one
    that the arm waited for, starts at its first action. misfit: what is wrong with the newest chunk, if it is of no use.
    """

    def __init__(self, width: int) -> None:
        """width: how many numbers an action has."""
        self._width = width
        self.begin(epoch=-1)

    def begin(self, epoch: int) -> None:
        """Drop everything; from now on only chunks of `epoch` count."""
        self.epoch = epoch
        self.consumed = 0
        self.chunk = -1
        self.misfit = ""
        self._actions: list[Floats] = []

    def __len__(self) -> int:
        return len(self._actions)

    def put(self, message: ChunkMessage) -> None:
        if message.epoch != self.epoch:
            return
        due = max(0, self.consumed - message.consumed)
        wrong = next((len(action) for action in message.actions if len(action) != self._width), None)
        self.misfit = "" if wrong is None else f"the policy gave {wrong} numbers for {self._width} channels"
        actions = [] if self.misfit else message.actions[due:]
        self._actions = [np.asarray(action, dtype=np.float64) for action in actions]
        self.chunk = message.id

    def pop(self) -> Floats | None:
        if not self._actions:
            return None
        self.consumed += 1
        return self._actions.pop(0)


class Interpolator:
    """`multiplier` commands for every action: straight from the last action to the new one, which the last command reaches."""

    def __init__(self, multiplier: int) -> None:
        self._multiplier = multiplier

    def begin(self, at: Floats) -> None:
        self._start = self._end = at
        self._step = self._multiplier

    def to(self, action: Floats) -> None:
        self._start, self._end, self._step = self._end, action, 0

    def next(self) -> Floats:
        self._step = min(self._step + 1, self._multiplier)
        share = self._step / self._multiplier
        # What is not finite, or no longer is in between, is for the governor to tell of.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._end if share == 1 else self._start + share * (self._end - self._start)
