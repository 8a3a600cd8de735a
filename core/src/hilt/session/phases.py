"""The phases of an episode, as data.

`TABLE` maps (phase, event) to what follows: the first of its ways whose condition holds. An event that is not in the row of a
phase, or has no way, changes nothing there, so that a repeat is harmless and no event is a toggle. `step` is a pure function of
(state, event): a session replays exactly.

                start                 pause                  takeover, intervene
        READY ---------> AUTONOMOUS --------> PAUSED --------------> HUMAN
          ^                  ^                  |                      |
          | next             |_____ resume _____|______ resume ________|
        RESET <--- SAVED | DISCARDED <--- success, failure, save, rerecord, timeout
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from attrs import evolve, frozen

from hilt.ipc.messages import Phase, Segment, Source


class Event(StrEnum):
    START = "start"
    PAUSE = "pause"
    TAKEOVER = "takeover"
    INTERVENE = "intervene"
    INTERVENE_END = "intervene_end"
    CORRECT = "correct"
    RESUME = "resume"
    SUCCESS = "success"
    FAILURE = "failure"
    SAVE = "save"
    RERECORD = "rerecord"
    DISCARD_LAST = "discard_last"
    NEXT = "next"
    TIMEOUT = "timeout"
    INPUT_LOST = "input_lost"
    DEVICE_LOST = "device_lost"
    LEASE_LOST = "lease_lost"
    RECORDER_LOST = "recorder_lost"
    EMPTY = "empty"
    ACKNOWLEDGE = "acknowledge"
    STOP = "stop"
    CLOSED = "closed"


OPERATOR_EVENTS = frozenset(Event) - {
    Event.TIMEOUT,
    Event.INPUT_LOST,
    Event.DEVICE_LOST,
    Event.LEASE_LOST,
    Event.RECORDER_LOST,
    Event.EMPTY,
    Event.CLOSED,
}
"""What an input may be bound to; the others come from the session itself. `intervene_end` is a release of `intervene`."""

RUNNING = frozenset({Phase.AUTONOMOUS, Phase.PAUSED, Phase.HUMAN})
"""The phases in which an episode is open."""

_ENDS = frozenset({Phase.SAVED, Phase.DISCARDED, Phase.ENDED})
"""The phases in which none is."""


@frozen
class State:
    """Where a session is.

    policy: whether there is one, or a recording; `drives` says which. episode: index of the running or next one. saved: how
    many have been.
    last_saved: the episode that can still be taken back. leads: in RESET, whether the leader drives the robot.
    epoch: counts hand-overs to the policy. open: an episode is open (in FAULT too). closed: the one with this index has
    been, and the next has not begun. intervening: in HUMAN, the phase in which a held intervention began.
    faulty: a fault has not been acknowledged yet, even if the episode has been ended meanwhile.
    """

    policy: bool
    wanted: int
    phase: Phase = Phase.READY
    segment: Segment = Segment.AUTONOMOUS
    episode: int = 0
    saved: int = 0
    epoch: int = 0
    success: bool | None = None
    last_saved: int | None = None
    leads: bool = False
    open: bool = False
    intervening: Phase | None = None
    closed: bool = False
    drives: Source = Source.POLICY
    faulty: bool = False

    @property
    def source(self) -> Source:
        if self.phase == Phase.AUTONOMOUS:
            return self.drives
        if self.phase == Phase.HUMAN or (self.phase == Phase.RESET and self.leads):
            return Source.HUMAN
        return Source.HOLD

    @property
    def recorded(self) -> bool:
        return self.phase in (Phase.AUTONOMOUS, Phase.HUMAN)


@frozen
class Condition:
    """When a way is open. told: as the documents say it."""

    told: str
    holds: Callable[[State], bool]


ALWAYS = Condition("", lambda _: True)
_WITH_POLICY = Condition("with a policy", lambda state: state.policy)
_WITHOUT_POLICY = Condition("without a policy", lambda state: not state.policy)
_OPEN = Condition("if an episode is open", lambda state: state.open)
_FAULTY = Condition("if a fault is not acknowledged yet", lambda state: state.faulty)
_ENOUGH = Condition("after the last wanted episode", lambda state: state.saved >= state.wanted)
_SAVED_ONE = Condition("if one was saved since the last start", lambda state: state.last_saved is not None)
_FROM_POLICY = Condition("if `intervene` came from there", lambda state: state.intervening == Phase.AUTONOMOUS)
_FROM_PAUSE = Condition("if `intervene` came from there", lambda state: state.intervening == Phase.PAUSED)


@frozen
class To:
    """One way that an event leads. held: HUMAN lasts while the control is held. takes_back: the last saved episode."""

    phase: Phase
    segment: Segment | None = None
    when: Condition = ALWAYS
    success: bool | None = None
    held: bool = False
    leads: bool = False
    takes_back: bool = False


_AUTONOMOUS = To(Phase.AUTONOMOUS, Segment.AUTONOMOUS)
_DRIVE = (evolve(_AUTONOMOUS, when=_WITH_POLICY), To(Phase.HUMAN, Segment.CORRECTION))
_PAUSED = (To(Phase.PAUSED),)
_TAKEOVER = {
    Event.TAKEOVER: (To(Phase.HUMAN, Segment.RECOVERY),),
    Event.INTERVENE: (To(Phase.HUMAN, Segment.RECOVERY, held=True),),
}
_END = {
    Event.SUCCESS: To(Phase.SAVED, when=_OPEN, success=True),
    Event.FAILURE: To(Phase.SAVED, when=_OPEN, success=False),
    Event.SAVE: To(Phase.SAVED, when=_OPEN),
    Event.RERECORD: To(Phase.DISCARDED, when=_OPEN),
    Event.RECORDER_LOST: To(Phase.SAVED, when=_OPEN),
    Event.EMPTY: To(Phase.DISCARDED, when=_OPEN),
}
_END_IN_FAULT = {event: (to,) for event, to in _END.items()}
_END_OF_RUNNING = {event: (evolve(to, when=ALWAYS),) for event, to in _END.items()}
_STOP = {Event.STOP: (To(Phase.ENDED),)}
_STOP_OR_LOST = {**_STOP, Event.DEVICE_LOST: (To(Phase.FAULT),), Event.LEASE_LOST: (To(Phase.FAULT),)}
_FAULT = To(Phase.FAULT, when=_FAULTY)
_RESET = To(Phase.RESET)
_RESET_OR_ENDED = (To(Phase.ENDED, when=_ENOUGH), _RESET)

TABLE: Mapping[Phase, Mapping[Event, tuple[To, ...]]] = {
    Phase.READY: {
        Event.START: _DRIVE,
        Event.DISCARD_LAST: (To(Phase.READY, when=_SAVED_ONE, takes_back=True),),
        **_STOP_OR_LOST,
    },
    Phase.AUTONOMOUS: {
        Event.PAUSE: _PAUSED,
        **_TAKEOVER,
        Event.TIMEOUT: (To(Phase.SAVED),),
        Event.INPUT_LOST: _PAUSED,
        **_END_OF_RUNNING,
        **_STOP_OR_LOST,
    },
    Phase.PAUSED: {
        **_TAKEOVER,
        Event.RESUME: _DRIVE,
        **_END_OF_RUNNING,
        **_STOP_OR_LOST,
    },
    Phase.HUMAN: {
        Event.PAUSE: _PAUSED,
        Event.CORRECT: (To(Phase.HUMAN, Segment.CORRECTION),),
        Event.RESUME: _DRIVE,
        Event.INTERVENE_END: (evolve(_AUTONOMOUS, when=_FROM_POLICY), To(Phase.PAUSED, when=_FROM_PAUSE)),
        Event.TIMEOUT: (To(Phase.SAVED, when=_WITHOUT_POLICY),),
        Event.INPUT_LOST: _PAUSED,
        **_END_OF_RUNNING,
        **_STOP_OR_LOST,
    },
    Phase.SAVED: {Event.CLOSED: (_FAULT, *_RESET_OR_ENDED), **_STOP_OR_LOST},
    Phase.DISCARDED: {Event.CLOSED: (_FAULT, _RESET), **_STOP_OR_LOST},
    Phase.RESET: {
        Event.NEXT: (To(Phase.READY),),
        Event.TAKEOVER: (To(Phase.RESET, leads=True),),
        Event.PAUSE: (_RESET,),
        Event.INPUT_LOST: (_RESET,),
        Event.DISCARD_LAST: (To(Phase.RESET, when=_SAVED_ONE, takes_back=True),),
        **_STOP_OR_LOST,
    },
    Phase.FAULT: {Event.ACKNOWLEDGE: (To(Phase.PAUSED, when=_OPEN), *_RESET_OR_ENDED), **_END_IN_FAULT, **_STOP},
    Phase.ENDED: {},
}


def step(state: State, event: Event) -> State:
    """The state after an event; the same object if the event means nothing here."""
    to = next((to for to in TABLE[state.phase].get(event, ()) if to.when.holds(state)), None)
    if to is None:
        return state
    if to.takes_back:
        return evolve(state, saved=state.saved - 1, last_saved=None)
    return _go(state, to)


def uncounted(state: State, episode: int) -> State:
    """An episode that counted as saved, and of which nothing was recorded."""
    return evolve(state, saved=state.saved - 1, last_saved=None if state.last_saved == episode else state.last_saved)


def _go(state: State, to: To) -> State:
    """The same object if that is where it is."""
    segment = to.segment or state.segment
    if (to.phase, segment, to.leads) == (state.phase, state.segment, state.leads):
        return state
    moved = evolve(
        state,
        phase=to.phase,
        segment=segment,
        leads=to.leads,
        intervening=_intervening(state, to),
        epoch=state.epoch + (to.phase == Phase.AUTONOMOUS),
        faulty=to.phase == Phase.FAULT or (state.faulty and to.phase in _ENDS),
    )
    return _with_episode(moved, state.phase, to)


def _intervening(state: State, to: To) -> Phase | None:
    if to.held:
        return state.phase
    return state.intervening if to.phase == Phase.HUMAN else None


def _with_episode(state: State, before: Phase, to: To) -> State:
    """With what the way means for the episode."""
    if before == Phase.READY and to.phase in RUNNING:
        return _begun(state)
    if state.open and to.phase in _ENDS:
        return _over(state, to)
    if state.closed and to.phase == Phase.RESET:
        return _counted(state)
    return state


def _begun(state: State) -> State:
    """An episode has begun: the one before can no longer be taken back."""
    return evolve(state, open=True, success=None, last_saved=None)


def _over(state: State, to: To) -> State:
    """The open episode is over, and kept unless it is discarded."""
    ended = evolve(state, open=False, closed=True, success=to.success)
    return ended if to.phase == Phase.DISCARDED else evolve(ended, saved=state.saved + 1, last_saved=state.episode)


def _counted(state: State) -> State:
    """The next episode has the next index."""
    return evolve(state, episode=state.episode + 1, closed=False)
