"""The phases of an episode, as data.

`TABLE` maps (phase, event) to what follows. An event that is not in the row of a phase changes nothing there, so that a
repeat is harmless and no event is a toggle. `step` is a pure function of (state, event): a session replays exactly.

                start                 pause                  takeover, intervene
        READY ---------> AUTONOMOUS --------> PAUSED --------------> HUMAN
          ^                  ^                  |                      |
          | next             |_____ resume _____|______ resume ________|
        RESET <--- SAVED | DISCARDED <--- success, failure, save, rerecord, timeout
"""

from collections.abc import Mapping
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
    ACKNOWLEDGE = "acknowledge"
    STOP = "stop"
    CLOSED = "closed"


OPERATOR_EVENTS = frozenset(Event) - {
    Event.TIMEOUT,
    Event.INPUT_LOST,
    Event.DEVICE_LOST,
    Event.LEASE_LOST,
    Event.RECORDER_LOST,
    Event.CLOSED,
}
"""What an input may be bound to; the others come from the session itself. `intervene_end` is a release of `intervene`."""

RUNNING = frozenset({Phase.AUTONOMOUS, Phase.PAUSED, Phase.HUMAN})
"""The phases in which an episode is open."""


@frozen
class To:
    """What an event leads to. drive: where the episode goes on: to the policy, or to the human if there is none.

    resting: back to where a fault came from, with the arm holding. discard: the last saved episode is taken back.
    """

    phase: Phase | None = None
    segment: Segment | None = None
    success: bool | None = None
    drive: bool = False
    resting: bool = False
    leads: bool | None = None
    discard: bool = False


_DRIVE = To(drive=True)
_TAKEN_BACK = To(discard=True)
_PAUSED = To(Phase.PAUSED)
_RECOVERY = To(Phase.HUMAN, Segment.RECOVERY)
_FAULT = To(Phase.FAULT)
_ENDED = To(Phase.ENDED)
_END = {
    Event.SUCCESS: To(Phase.SAVED, success=True),
    Event.FAILURE: To(Phase.SAVED, success=False),
    Event.SAVE: To(Phase.SAVED),
    Event.RERECORD: To(Phase.DISCARDED),
    Event.RECORDER_LOST: To(Phase.SAVED),
}
_LOST = {Event.DEVICE_LOST: _FAULT, Event.LEASE_LOST: _FAULT}

TABLE: Mapping[Phase, Mapping[Event, To]] = {
    Phase.READY: {Event.START: _DRIVE, Event.DISCARD_LAST: _TAKEN_BACK, Event.STOP: _ENDED, **_LOST},
    Phase.AUTONOMOUS: {
        Event.PAUSE: _PAUSED,
        Event.TAKEOVER: _RECOVERY,
        Event.INTERVENE: _RECOVERY,
        Event.TIMEOUT: To(Phase.SAVED),
        Event.INPUT_LOST: _PAUSED,
        Event.STOP: _ENDED,
        **_END,
        **_LOST,
    },
    Phase.PAUSED: {
        Event.TAKEOVER: _RECOVERY,
        Event.INTERVENE: _RECOVERY,
        Event.RESUME: _DRIVE,
        Event.STOP: _ENDED,
        **_END,
        **_LOST,
    },
    Phase.HUMAN: {
        Event.PAUSE: _PAUSED,
        Event.CORRECT: To(Phase.HUMAN, Segment.CORRECTION),
        Event.RESUME: _DRIVE,
        Event.INTERVENE_END: _DRIVE,
        Event.INPUT_LOST: _PAUSED,
        Event.STOP: _ENDED,
        **_END,
        **_LOST,
    },
    Phase.SAVED: {Event.CLOSED: To(Phase.RESET), Event.STOP: _ENDED, **_LOST},
    Phase.DISCARDED: {Event.CLOSED: To(Phase.RESET), Event.STOP: _ENDED, **_LOST},
    Phase.RESET: {
        Event.NEXT: To(Phase.READY),
        Event.TAKEOVER: To(Phase.RESET, leads=True),
        Event.PAUSE: To(Phase.RESET, leads=False),
        Event.INPUT_LOST: To(Phase.RESET, leads=False),
        Event.DISCARD_LAST: _TAKEN_BACK,
        Event.STOP: _ENDED,
        **_LOST,
    },
    Phase.FAULT: {
        Event.ACKNOWLEDGE: To(resting=True),
        Event.STOP: _ENDED,
        **_END,
    },
    Phase.ENDED: {},
}


@frozen
class State:
    """Where a session is.

    policy: whether there is one. episode: index of the running or next one. saved: how many have been.
    last_saved: the episode that can still be taken back. leads: in RESET, whether the leader drives the robot.
    epoch: counts hand-overs to the policy. open: an episode is open (in FAULT too). closed: the one with this index has
    been, and the next has not begun. intervening: where the end of a held intervention leads back to.
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
    faulty: bool = False

    @property
    def source(self) -> Source:
        if self.phase == Phase.AUTONOMOUS:
            return Source.POLICY
        if self.phase == Phase.HUMAN or (self.phase == Phase.RESET and self.leads):
            return Source.HUMAN
        return Source.HOLD

    @property
    def recorded(self) -> bool:
        return self.phase in (Phase.AUTONOMOUS, Phase.HUMAN)


def step(state: State, event: Event) -> State:
    """The state after an event; the same object if the event means nothing here."""
    to = TABLE[state.phase].get(event)
    if event == Event.TIMEOUT and state.phase == Phase.HUMAN and not state.policy:
        to = To(Phase.SAVED)
    if to is None or (event == Event.INTERVENE_END and state.intervening is None) or _closes_nothing(state, to):
        return state
    if event == Event.INTERVENE_END and state.intervening == Phase.PAUSED:
        to = _PAUSED
    if to.discard:
        return state if state.last_saved is None else evolve(state, saved=state.saved - 1, last_saved=None)
    if to.resting:
        to = _PAUSED if state.open else To(Phase.RESET)
    if event == Event.CLOSED and state.faulty:
        to = _FAULT
    if to.drive:
        to = To(Phase.AUTONOMOUS, Segment.AUTONOMOUS) if state.policy else To(Phase.HUMAN, Segment.CORRECTION)
    return _settle(_enter(state, to, event))


def _closes_nothing(state: State, to: To) -> bool:
    return to.phase in (Phase.SAVED, Phase.DISCARDED) and not state.open


def _enter(state: State, to: To, event: Event) -> State:
    phase = to.phase or state.phase
    if phase == state.phase and to.segment in (None, state.segment) and to.leads in (None, state.leads):
        return state
    starts = state.phase == Phase.READY and phase in RUNNING
    ends = state.open and phase in (Phase.SAVED, Phase.DISCARDED, Phase.ENDED)
    kept = ends and phase != Phase.DISCARDED
    return evolve(
        state,
        phase=phase,
        segment=to.segment or state.segment,
        success=to.success if ends else None if starts else state.success,
        epoch=state.epoch + (phase == Phase.AUTONOMOUS),
        saved=state.saved + kept,
        last_saved=state.episode if kept else None if starts else state.last_saved,
        episode=state.episode + (counts := phase == Phase.RESET and state.closed),
        leads=bool(to.leads),
        open=(state.open or starts) and not ends,
        closed=ends or (state.closed and not counts),
        intervening=_intervening(state, phase, event),
        faulty=phase == Phase.FAULT or (state.faulty and event != Event.ACKNOWLEDGE),
    )


def _intervening(state: State, phase: Phase, event: Event) -> Phase | None:
    """Where the end of a held intervention leads back to."""
    if phase != Phase.HUMAN:
        return None
    return state.phase if event == Event.INTERVENE else state.intervening


def _settle(state: State) -> State:
    """The last wanted episode is followed by no reset."""
    if state.phase == Phase.RESET and state.saved >= state.wanted:
        return evolve(state, phase=Phase.ENDED)
    return state
