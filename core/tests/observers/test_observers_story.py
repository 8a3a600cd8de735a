from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tick_samples import idle_tick

from hilt.ipc.alarms import OVER_NS, Alarms
from hilt.ipc.messages import (
    AnyMessage,
    BeginEpisode,
    EndEpisode,
    EventSeen,
    Phase,
    Segment,
    SetMode,
    Source,
    Status,
    Tick,
)
from hilt.observers.story import Story
from hilt.recording.status import DATASET, RECORDER

TICK_NS = 20_000_000


class Told:
    """Takes calls of any hook, and keeps them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, object]]] = []

    def __getattr__(self, hook: str):
        return lambda **arguments: self.calls.append((hook, arguments))


def told(*messages: AnyMessage, end: bool = False) -> list[tuple[str, dict[str, object]]]:
    story, listener = Story("today"), Told()
    calls = [call for message in messages for call in story.hear(message)]
    for call in [*calls, *(story.end() if end else ())]:
        call(listener)
    return listener.calls


def seen(old: Phase, new: Phase, event: str) -> EventSeen:
    return EventSeen(time_ns=0, event=event, device="", old=old, new=new)


def mode(phase: Phase, episode: int = 0) -> SetMode:
    return SetMode(phase=phase, source=Source.HOLD, segment=Segment.AUTONOMOUS, episode=episode, epoch=0, recorded=False)


def tick(k: int, alarm: str = "", fault: str = "") -> Tick:
    return idle_tick(k=k, time_ns=k * TICK_NS, alarm=alarm, fault=fault)


def test_a_session_starts_with_its_first_mode_and_ends() -> None:
    first = (seen(Phase.READY, Phase.READY, "next"), mode(Phase.READY), mode(Phase.READY))
    assert told(*first, end=True) == [
        ("hilt_session_started", {"session": "today"}),
        ("hilt_session_ended", {"session": "today"}),
    ]


def test_a_session_that_never_started_does_not_end() -> None:
    assert told(end=True) == []


def test_phases_come_with_the_episode_that_they_are_of() -> None:
    calls = told(
        mode(Phase.READY),
        seen(Phase.SAVED, Phase.RESET, "closed"),
        mode(Phase.RESET, episode=1),
        seen(Phase.HUMAN, Phase.HUMAN, "correct"),
        mode(Phase.HUMAN, episode=1),
    )
    assert calls[1:] == [("hilt_phase_changed", {"episode": 1, "old": "saved", "new": "reset", "event": "closed"})]


def test_saved_is_what_the_recorder_calls_saved() -> None:
    calls = told(
        BeginEpisode(episode=3, task=""),
        EndEpisode(episode=3, saved=True, success=False),
        Status(device=DATASET, state="saved", episode=3, detail="not an episode"),
        Status(device=RECORDER, state="saved", episode=3, detail="/logs/episode-000003.mcap"),
        Status(device=RECORDER, state="discarded", episode=3, detail="/logs/episode-000003.mcap"),
    )
    assert calls == [
        ("hilt_episode_saved", {"episode": 3, "log": Path("/logs/episode-000003.mcap"), "success": False}),
        ("hilt_episode_discarded", {"episode": 3}),
    ]


def test_alarms_and_faults_are_told() -> None:
    assert told(tick(1, "elbow cannot follow"), tick(2, fault="holding: no session"), tick(3, fault="holding: no session")) == [
        ("hilt_alarm", {"message": "elbow cannot follow"}),
        ("hilt_alarm", {"message": "holding: no session"}),
    ]


def news(*texts: str) -> list[tuple[int, str]]:
    alarms = Alarms()
    return [(k, text) for k, alarm in enumerate(texts) for text in alarms.new(tick(k, alarm))]


def test_an_alarm_that_lasts_is_told_once_also_if_its_numbers_change() -> None:
    assert news(*(f"the cup is {distance / 10} m away" for distance in range(300))) == [(0, "the cup is 0.0 m away")]


def test_one_that_comes_back_after_it_was_over_is_told_again() -> None:
    pause = OVER_NS // TICK_NS
    assert news("hot", *[""] * (pause - 2), "hot", *[""] * (pause - 1), "hot") == [(0, "hot"), (2 * pause - 1, "hot")]


@given(st.lists(st.sampled_from(["", "hot", "late by 3 ms", "late by 14 ms"]), max_size=200))
def test_no_kind_is_told_twice_in_a_second(texts: list[str]) -> None:
    found = news(*texts)
    for kind in ("hot", "late"):
        at = [k for k, text in found if text.startswith(kind)]
        assert bool(at) == any(text.startswith(kind) for text in texts)
        assert all(later - earlier >= OVER_NS // TICK_NS for earlier, later in pairwise(at))
