"""The phase machine, checked exhaustively: every event in every state that can be reached."""

import pytest
from attrs import evolve

from hilt.ipc.messages import Phase, Segment, Source
from hilt.session.phases import OPERATOR_EVENTS, RUNNING, TABLE, Event, State, step


def reachable(start: State) -> set[State]:
    """All states up to counters, which are folded so that the set is finite."""
    seen, todo = set(), [start]
    while todo:
        state = todo.pop()
        state = evolve(state, epoch=0, episode=min(state.episode, 3))
        if state in seen:
            continue
        seen.add(state)
        todo += [step(state, event) for event in Event]
    return seen


STATES = {state for policy in (True, False) for state in reachable(State(policy=policy, wanted=2))}


def run(state: State, *events: Event) -> State:
    for event in events:
        state = step(state, event)
    return state


def test_every_phase_is_reached():
    assert {state.phase for state in STATES} == set(Phase)


@pytest.mark.parametrize("event", list(Event))
def test_a_repeat_is_harmless(event):
    """No event is a toggle: where the same press arrives twice, the second changes nothing that moves the arm."""
    for state in STATES:
        once = step(state, event)
        twice = step(once, event)
        assert twice.source == once.source or once.phase != twice.phase
        if once.source != Source.HOLD and event in OPERATOR_EVENTS:
            assert twice.source == once.source


def test_stop_ends_from_everywhere_and_holds():
    for state in STATES:
        after = step(state, Event.STOP)
        assert after.phase == Phase.ENDED
        assert after.source == Source.HOLD


def test_stop_keeps_the_running_episode():
    for state in STATES:
        assert step(state, Event.STOP).saved == state.saved + state.open


def test_lost_devices_hold_everywhere():
    for state in STATES:
        for event in (Event.DEVICE_LOST, Event.LEASE_LOST):
            assert step(state, event).source == Source.HOLD
        if state.phase in RUNNING | {Phase.RESET}:
            assert step(state, Event.INPUT_LOST).source == Source.HOLD


def test_fault_needs_an_acknowledgement_and_never_moves():
    for state in STATES:
        if state.phase == Phase.FAULT:
            for event in Event:
                assert step(state, event).source == Source.HOLD


def test_the_policy_drives_only_when_asked_to():
    for state in STATES:
        for event in Event:
            after = step(state, event)
            if after.source == Source.POLICY and state.source != Source.POLICY:
                assert event in (Event.START, Event.RESUME, Event.INTERVENE_END)
                assert after.epoch == state.epoch + 1


def test_without_a_policy_nothing_is_autonomous():
    assert not [state for state in STATES if not state.policy and state.phase == Phase.AUTONOMOUS]


def test_an_episode_is_closed_once_and_only_when_open():
    for state in STATES:
        assert state.open or state.phase not in RUNNING
        for event in Event:
            after = step(state, event)
            if after.saved > state.saved:
                assert state.open
                assert not after.open


def test_one_attempt_with_two_interventions_is_one_episode():
    state = run(
        State(policy=True, wanted=3),
        Event.START,
        Event.PAUSE,
        Event.TAKEOVER,
        Event.CORRECT,
        Event.RESUME,
        Event.TAKEOVER,
        Event.RESUME,
        Event.SUCCESS,
    )
    assert (state.phase, state.episode, state.saved, state.success) == (Phase.SAVED, 0, 1, True)
    state = run(state, Event.CLOSED)
    assert (state.phase, state.source, state.episode) == (Phase.RESET, Source.HOLD, 1)
    assert run(state, Event.NEXT).phase == Phase.READY


def test_the_leader_drives_in_reset_only_after_takeover():
    state = run(State(policy=True, wanted=3), Event.START, Event.TIMEOUT, Event.CLOSED)
    assert state.source == Source.HOLD
    assert run(state, Event.TAKEOVER).source == Source.HUMAN
    assert run(state, Event.TAKEOVER, Event.PAUSE).source == Source.HOLD


def test_held_intervene_gives_back_on_release_and_takeover_does_not():
    held = run(State(policy=True, wanted=1), Event.START, Event.INTERVENE)
    assert (held.phase, held.segment) == (Phase.HUMAN, Segment.RECOVERY)
    assert run(held, Event.INTERVENE_END).phase == Phase.AUTONOMOUS
    taken = run(State(policy=True, wanted=1), Event.START, Event.TAKEOVER)
    assert run(taken, Event.INTERVENE_END).phase == Phase.HUMAN


def test_an_intervention_from_a_pause_ends_in_the_pause() -> None:
    held = run(State(policy=True, wanted=1), Event.START, Event.PAUSE, Event.INTERVENE)
    assert held.phase == Phase.HUMAN
    assert run(held, Event.INTERVENE_END).phase == Phase.PAUSED


def test_a_fault_between_two_episodes_does_not_use_a_number_twice() -> None:
    saved = run(State(policy=True, wanted=5), Event.START, Event.SUCCESS)
    after = run(saved, Event.DEVICE_LOST, Event.ACKNOWLEDGE, Event.NEXT)
    assert (after.phase, after.episode, after.saved) == (Phase.READY, 1, 1)
    assert run(State(policy=True, wanted=5), Event.DEVICE_LOST, Event.ACKNOWLEDGE, Event.NEXT).episode == 0


def test_timeout_waits_for_the_human_who_corrects_but_ends_a_demonstration():
    taken = run(State(policy=True, wanted=1), Event.START, Event.TAKEOVER)
    assert run(taken, Event.TIMEOUT) is taken
    assert run(State(policy=False, wanted=2), Event.START, Event.TIMEOUT).phase == Phase.SAVED


def test_the_last_episode_ends_the_session():
    assert run(State(policy=True, wanted=1), Event.START, Event.SUCCESS, Event.CLOSED).phase == Phase.ENDED


def test_every_operator_event_means_something_somewhere():
    assert {event for row in TABLE.values() for event in row} >= OPERATOR_EVENTS


def test_every_way_of_the_table_can_be_taken():
    """A row that no session gets to would be drawn in the documents all the same."""
    taken = {
        (phase, event, next((number for number, to in enumerate(ways) if to.when.holds(state)), None))
        for phase, row in TABLE.items()
        for event, ways in row.items()
        for state in STATES
        if state.phase == phase
    }
    assert taken >= {(phase, event, n) for phase, row in TABLE.items() for event, ways in row.items() for n in range(len(ways))}


def test_the_last_episode_is_not_counted_as_the_next_one():
    ended = run(State(policy=True, wanted=1), Event.START, Event.SUCCESS, Event.CLOSED)
    assert (ended.phase, ended.episode, ended.saved) == (Phase.ENDED, 0, 1)


def test_a_fault_that_nobody_has_looked_at_outlasts_the_episode():
    ended = run(State(policy=True, wanted=2), Event.START, Event.DEVICE_LOST, Event.SAVE, Event.CLOSED)
    assert ended.phase == Phase.FAULT
    assert run(ended, Event.ACKNOWLEDGE).phase == Phase.RESET


def test_the_last_saved_episode_can_be_taken_back_once():
    state = run(State(policy=True, wanted=3), Event.START, Event.SAVE, Event.CLOSED, Event.DISCARD_LAST)
    assert (state.saved, state.last_saved, state.phase) == (0, None, Phase.RESET)
    assert step(state, Event.DISCARD_LAST) is state
