"""What the rings of a session say, told as calls of lifecycle hooks."""

from collections.abc import Callable, Iterator
from pathlib import Path

from hilt.ipc.alarms import Alarms
from hilt.ipc.messages import AnyMessage, EndEpisode, EventSeen, SetMode, Status, StatusState, Tick
from hilt.recording.status import RECORDER
from hilt_hooks import Lifecycle

Call = Callable[[Lifecycle], None]


class Story:
    """A pure function of the messages, in the order in which they are given."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._started = False
        self._event: EventSeen | None = None
        self._success: dict[int, bool | None] = {}
        self._alarms = Alarms()

    def hear(self, message: AnyMessage) -> Iterator[Call]:
        """The calls that follow from a message."""
        match message:
            case EventSeen():
                self._event = message
            case SetMode():
                yield from self._enter(message)
            case EndEpisode():
                self._success[message.episode] = message.success
            case Status(device=device) if device == RECORDER:
                yield from self._recorded(message)
            case Tick():
                for text in self._alarms.new(message):
                    yield _alarm(text)

    def end(self) -> Iterator[Call]:
        """A session that has never started does not end either."""
        if self._started:
            yield lambda hooks: hooks.hilt_session_ended(session=self._session)

    def _enter(self, mode: SetMode) -> Iterator[Call]:
        """A `SetMode` follows the event that led to it, and knows the episode."""
        if not self._started:
            self._started = True
            yield lambda hooks: hooks.hilt_session_started(session=self._session)
        event, self._event = self._event, None
        if event is not None and event.old != event.new:
            old, new, name = event.old.value, event.new.value, event.event
            yield lambda hooks: hooks.hilt_phase_changed(episode=mode.episode, old=old, new=new, event=name)

    def _recorded(self, status: Status) -> Iterator[Call]:
        if status.state == StatusState.SAVED:
            log, success = Path(status.detail), self._success.get(status.episode)
            yield lambda hooks: hooks.hilt_episode_saved(episode=status.episode, log=log, success=success)
        elif status.state == StatusState.DISCARDED:
            yield lambda hooks: hooks.hilt_episode_discarded(episode=status.episode)


def _alarm(text: str) -> Call:
    return lambda hooks: hooks.hilt_alarm(message=text)
