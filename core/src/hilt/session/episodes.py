"""What a session knows of its episodes."""

from collections.abc import Mapping

from attrs import define

from hilt.ipc.messages import Outcome, Status, StatusState, Tick

RUNNING = "running"
SAVING = "not finished"
"""Until the recorder says that an episode is durable. If it never does, the next start recovers the log."""

EMPTY = "empty"
OUTCOMES = {StatusState.SAVED: "saved", StatusState.DISCARDED: EMPTY}
"""What has become of an episode that was to be kept."""


@define
class EpisodeLine:
    """What the summary says of one episode. told: how it ended, as the recorder was told. settled: it has said so itself.

    frames: that were ticked; once the recorder has said so, that it has.
    """

    episode: int
    outcome: str = RUNNING
    frames: int = 0
    interventions: int = 0
    told: Outcome | None = None
    settled: bool = False


class Episodes:
    """In the order in which they began."""

    def __init__(self) -> None:
        self.lines: list[EpisodeLine] = []

    @property
    def frames(self) -> int:
        """Of the newest one, so far."""
        return self.lines[-1].frames if self.lines else 0

    @property
    def unfinished(self) -> bool:
        return any(line.outcome == SAVING for line in self.lines)

    def begin(self, episode: int) -> None:
        self.lines.append(EpisodeLine(episode))

    def intervened(self) -> None:
        if self.lines:
            self.lines[-1].interventions += 1

    def count(self, tick: Tick) -> None:
        if (line := self._of(tick.episode)) is not None:
            line.frames = tick.frame + 1

    def end(self, outcome: Outcome) -> int:
        """The newest one. Gives its index."""
        line = self.lines[-1]
        line.outcome, line.told = (SAVING if outcome.saved else "discarded"), outcome
        return line.episode

    def take_back(self, episode: int) -> None:
        if (line := self._of(episode)) is not None:
            line.outcome, line.told, line.settled = "taken back", Outcome(saved=False), False

    def settle(self, status: Status) -> EpisodeLine | None:
        """What the recorder says of an episode is what the summary says. Gives it if it was not known what becomes of it."""
        line = self._of(status.episode)
        if line is None:
            return None
        was_open = line.outcome == SAVING and status.state in OUTCOMES
        if was_open:
            line.outcome = OUTCOMES[status.state]
            line.frames = max(status.frames, 0)
        expected = line.told is not None and line.told.saved
        line.settled = status.state == StatusState.DISCARDED or (status.state == StatusState.SAVED and expected)
        return line if was_open else None

    def unsettled(self) -> Mapping[int, Outcome]:
        """How those ended of which the recorder has not said that it has done what it was told."""
        return {line.episode: line.told for line in self.lines if line.told is not None and not line.settled}

    def _of(self, episode: int) -> EpisodeLine | None:
        return next((line for line in reversed(self.lines) if line.episode == episode), None)
