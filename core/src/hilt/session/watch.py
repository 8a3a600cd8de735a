"""What a session concludes from the ticks that it sees."""

from attrs import define

from hilt.ipc.messages import Phase, Source, Tick

STARVES_S = 3.0
"""For how long the policy may give no actions before the session pauses."""

TOUCH_TICKS = 3
"""For how many ticks a mirroring leader must be away from its target to count as taken hold of."""


@define
class Starvation:
    """Whether the arm has been waiting for the policy for so long that it looks as if it were finished."""

    _fed_ns: int = 0

    def feed(self, time_ns: int) -> None:
        """From now on it counts."""
        self._fed_ns = time_ns

    def seen(self, tick: Tick, phase: Phase) -> bool:
        """phase: the session's, which the rig may not know yet."""
        waits = phase == tick.phase == Phase.AUTONOMOUS and tick.source == Source.HOLD and not tick.alarm
        if not waits:
            self.feed(tick.time_ns)
        return tick.time_ns - self._fed_ns > STARVES_S * 1e9


@define
class Touch:
    """Whether a hand has moved the mirroring leader away from where it was told to be. limit: how far, in units of its
    channels; None where that means nothing.
    """

    limit: float | None
    _away: int = 0

    def felt(self, tick: Tick, phase: Phase) -> bool:
        """phase: the session's; only while the policy drives."""
        told = tick.leader_sent if tick.leader_fresh and phase == Phase.AUTONOMOUS else None
        if self.limit is None or tick.leader is None or told is None:
            self._away = 0
            return False
        apart = max(abs(at - wanted) for at, wanted in zip(tick.leader, told, strict=True))
        self._away = self._away + 1 if apart > self.limit else 0
        return self._away >= TOUCH_TICKS
