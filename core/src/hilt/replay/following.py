"""How far the arm could follow a recording."""

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import frozen

from hilt.ipc.messages import Source, Tick
from hilt.replay.recording import Recording
from hilt_hooks import Floats, RecordedEpisode


@frozen
class Behind:
    """One channel. most, mean: how far it was from what was asked of it, in `unit`. at_s: when it was furthest away.

    recorded: the most in the recording itself, None where that did not keep its states.
    """

    name: str
    unit: str
    most: float
    at_s: float
    mean: float
    recorded: float | None


class Following:
    """Compares, at every frame of a replay, what is asked with what is measured; as a row of a dataset holds them."""

    def __init__(self, names: Sequence[str], state_names: Sequence[str], fps: float) -> None:
        """names: of the actions. state_names: of what is measured; a channel that is not measured is left out."""
        self._names = [name for name in names if name in state_names]
        self._asked = [list(names).index(name) for name in self._names]
        self._measured = [list(state_names).index(name) for name in self._names]
        self._fps = fps
        self._apart: list[Floats] = []

    def see(self, tick: Tick) -> None:
        if tick.source == Source.REPLAY and tick.frame >= 0:
            self._apart.append(np.abs(np.take(tick.requested, self._asked) - np.take(tick.measured, self._measured)))

    @property
    def frames(self) -> int:
        return len(self._apart)

    def result(self, recording: Recording) -> Iterator[Behind]:
        """A line for each channel; none if nothing was replayed."""
        if not self._apart:
            return
        units = {signal.name: signal.unit for signal in recording.signals}
        apart = np.array(self._apart)
        worst = apart.argmax(axis=0)
        for i, name in enumerate(self._names):
            most, recorded = float(apart[worst[i], i]), _recorded(recording.source, name)
            yield Behind(name, units[name], most, worst[i] / self._fps, float(apart[:, i].mean()), recorded)


def _recorded(source: RecordedEpisode, name: str) -> float | None:
    if name not in source.state_names or not len(source.states):
        return None
    asked = source.actions[:, source.action_names.index(name)]
    return float(np.abs(asked - source.states[:, source.state_names.index(name)]).max())
