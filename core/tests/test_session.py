"""What a session tells and refuses, by what is missing: its own process, without a robot."""

import shutil
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from crew_members import is_done, loses_a_camera_before_the_other_is_ready
from rich.console import Console
from tick_samples import idle_tick

from hilt.config import TeleoperateConfig
from hilt.ipc.messages import Header, Phase, Status, StatusState, Tick
from hilt.rig.leader import Handover
from hilt.session.console import Screen
from hilt.session.crew import Duty
from hilt.session.phases import Event
from hilt.session.plan import Plan, PolicyPlan, Wanted
from hilt.session.session import Session
from hilt_hooks import PolicySpec, Typed

HEADER = Header(
    session="s",
    robot_type="r",
    fps=30,
    interpolation=1,
    state_names=[],
    action_names=[],
    leader_names=["a.pos"],
    columns=[],
    cameras=[],
    config={},
)


def waiting_tick(time_ns: int) -> Tick:
    """Of a rig whose policy has given nothing."""
    return idle_tick(time_ns=time_ns, phase=Phase.AUTONOMOUS, epoch=1)


class Room:
    """A session without processes, and what it shows."""

    def __init__(self, logs: Path | None) -> None:
        plan = Plan(
            name="s",
            config=TeleoperateConfig(robot=Typed("none", None), teleop=Typed("none", None)),
            station={},
            header=HEADER,
            handover=Handover(),
            wanted=Wanted(logs=logs),
            cameras={"front": ("", None), "wrist": ("", None)},
            inputs=(),
            policy=PolicyPlan(type="", path=Path(), id="", spec=PolicySpec((), (), 0, 0), runtime={}, threshold=0),
        )
        self._console = Console(file=StringIO(), width=200)
        self.session = Session(plan, Screen(self._console, 1))

    @property
    def phase(self) -> Phase:
        return self.session._state.phase

    def said(self) -> str:
        """Since this was last asked."""
        text = self._console.file.getvalue()  # type: ignore[attr-defined]
        self._console.file = StringIO()
        return text

    def happen(self, *events: Event) -> str:
        self.said()
        for event in events:
            self.session._happen(event)
        return self.said()

    def hear(self, process: str, state: StatusState, device: str = "", **about: int) -> str:
        self.said()
        self.session._hear(process, Status(device=device or process, state=state, detail="why", **about))
        return self.said()

    def close(self) -> None:
        for member in self.session._crew.members.values():
            member.process.kill()
            member.process.join()
        shutil.rmtree(self.session.run_dir)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.close()


@pytest.mark.parametrize(
    ("process", "device", "text"),
    [
        ("recorder", "recorder", "what you do now is not recorded (recorder: why)"),
        ("cameras", "front", "what you do now is recorded without new images (front: why)"),
    ],
)
def test_who_takes_over_without_recorder_or_cameras_is_told_what_is_not_recorded(
    room: Room, process: str, device: str, text: str
) -> None:
    room.happen(Event.START)
    room.hear(process, StatusState.SILENT if device == process else StatusState.LOST, device)
    assert room.phase == Phase.PAUSED
    assert text in room.happen(Event.TAKEOVER)
    assert room.phase == Phase.HUMAN
    room.hear(process, StatusState.BACK, device)
    assert "what you do now" not in room.happen(Event.PAUSE, Event.TAKEOVER)


def test_where_nothing_is_recorded_nobody_is_told_that_it_is_not() -> None:
    room = Room(None)
    room.happen(Event.START)
    room.hear("cameras", StatusState.LOST, "front")
    assert "what you do now" not in room.happen(Event.TAKEOVER)
    room.close()


def test_a_camera_that_is_lost_before_the_last_one_is_ready_keeps_an_episode_from_starting(room: Room) -> None:
    duty = Duty(run=loses_a_camera_before_the_other_is_ready, setup=lambda: room.session.run_dir)
    room.session._crew.start("cameras", duty)
    room.session._await({"cameras": ("front", "wrist")})
    assert "front is lost: unplugged" in room.said()
    assert "not now: front: unplugged" in room.happen(Event.START)
    assert room.phase == Phase.READY


def test_a_refused_acknowledgement_changes_nothing(room: Room) -> None:
    room.happen(Event.START, Event.DEVICE_LOST)
    room.hear("rig", StatusState.LOST, "robot")
    assert "not now: robot: why" in room.happen(Event.ACKNOWLEDGE)
    assert room.phase == Phase.FAULT
    room.hear("rig", StatusState.BACK, "robot")
    room.happen(Event.ACKNOWLEDGE)
    assert room.phase == Phase.PAUSED


def test_after_an_acknowledgement_a_fault_counts_once_the_rig_has_heard_it(room: Room) -> None:
    """However long the robot takes to be held."""
    room.happen(Event.START)
    fault = {"fault": "holding: the robot has lost its torque"}
    room.session._heed(idle_tick(phase=Phase.AUTONOMOUS, **fault))
    assert room.phase == Phase.FAULT
    room.happen(Event.ACKNOWLEDGE)
    for _ in range(3):
        room.session._heed(idle_tick(phase=Phase.FAULT, **fault))
    assert room.phase == Phase.PAUSED
    room.session._heed(idle_tick(phase=Phase.PAUSED, **fault))
    assert room.phase == Phase.FAULT


def test_an_episode_without_a_frame_is_not_saved(room: Room) -> None:
    assert "the episode is discarded" in room.happen(Event.START, Event.SAVE)
    assert room.phase == Phase.DISCARDED


def test_an_episode_without_a_frame_is_not_saved_by_a_stop_either(room: Room) -> None:
    assert "the episode is discarded" in room.happen(Event.START, Event.STOP)
    assert room.phase == Phase.ENDED
    assert room.session._state.saved == 0
    assert room.session.episodes.lines[0].outcome == "discarded"


def test_an_episode_is_called_saved_once_the_recorder_says_so(room: Room) -> None:
    room.happen(Event.START)
    room.session._heed(idle_tick(phase=Phase.AUTONOMOUS, frame=59))
    assert "saved" not in room.happen(Event.SUCCESS, Event.CLOSED, Event.STOP)
    assert room.hear("recorder", StatusState.SAVED, episode=0, frames=45) == "episode 0 is saved: 45 frames, 1.5 s\n"
    assert room.hear("recorder", StatusState.SAVED, episode=0, frames=45) == ""


def test_an_episode_of_which_the_recorder_has_nothing_does_not_count_and_cannot_be_taken_back(room: Room) -> None:
    room.happen(Event.START)
    room.session._heed(idle_tick(phase=Phase.AUTONOMOUS, frame=59))
    room.happen(Event.SUCCESS)
    assert "it does not count" in room.hear("recorder", StatusState.DISCARDED, episode=0)
    room.happen(Event.CLOSED, Event.DISCARD_LAST)
    assert room.session._state.saved == 0
    assert [(line.outcome, line.frames) for line in room.session.episodes.lines] == [("empty", 0)]


def test_a_camera_may_be_called_like_the_dataset(room: Room) -> None:
    room.happen(Event.START)
    assert room.hear("cameras", StatusState.LOST, "dataset").startswith("dataset is lost")
    assert room.phase == Phase.PAUSED


def test_a_policy_has_its_time_from_the_start_on_whatever_tick_is_seen_first(room: Room) -> None:
    room.happen(Event.START)
    began_ns = time.monotonic_ns()
    room.session._heed(waiting_tick(began_ns + 1_000_000_000))
    assert room.phase == Phase.AUTONOMOUS
    room.session._heed(waiting_tick(began_ns + 4_000_000_000))
    assert room.phase == Phase.PAUSED
    assert "the policy has given nothing for 3 s" in room.said()


def test_a_recorder_that_has_said_its_last_word_may_go(room: Room) -> None:
    room.session._crew.start("recorder", Duty(run=is_done, setup=lambda: room.session.run_dir))
    room.session._crew.members["recorder"].process.join()
    room.session._hear_all()
    assert room.session._done
    assert room.said() == ""
