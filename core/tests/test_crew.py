"""What a session makes of processes that end, hang and come back: real processes, without a robot."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crew_members import cannot, dies, hangs_and_fails, lives

from hilt.ipc import rundir
from hilt.ipc.ring import RingWriter
from hilt.session.crew import Crew, Duty
from hilt_hooks import ConnectError

WAIT_S = 30.0


class Heard:
    def __init__(self, crew: Crew) -> None:
        self.crew, self.states = crew, list[str]()

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, self.states
            self.states += [status.state for _, status in self.crew.statuses()]
            self.states += [status.state for _, status in self.crew.replace()]
            time.sleep(0.005)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    RingWriter(tmp_path / rundir.SESSION, slot_bytes=64, slots=4)
    crew = Crew(tmp_path, lambda: None, lambda: None)
    yield crew
    for member in crew.members.values():
        member.process.kill()
        member.process.join()


def start(crew: Crew, run: Callable[[Path], None], tmp_path: Path, patience_s: float = 0.3) -> Heard:
    crew.start("member", Duty(run=run, setup=lambda: tmp_path, patience_s=patience_s, replaced=True))
    return Heard(crew)


def test_one_that_is_killed_is_replaced_and_heard_again(crew: Crew, tmp_path: Path) -> None:
    heard = start(crew, lives, tmp_path, patience_s=float("inf"))
    crew.wait_ready({"member": ()})
    first = crew.members["member"].process
    first.kill()
    heard.until(lambda: "ready" in heard.states)
    assert heard.states == ["died", "ready"]
    assert crew.members["member"].process.pid != first.pid


def test_one_that_hangs_and_fails_never_answers(crew: Crew, tmp_path: Path) -> None:
    heard = start(crew, hangs_and_fails, tmp_path)
    crew.wait_ready({"member": ()})
    heard.until(lambda: "failed" in heard.states)
    assert heard.states == ["silent", "failed"]
    heard.until(lambda: "ready" in heard.states)
    assert heard.states == ["silent", "failed", "ready"]


def test_one_that_is_stopped_for_good_is_replaced(crew: Crew, tmp_path: Path) -> None:
    heard = start(crew, lives, tmp_path, patience_s=0.5)
    crew.wait_ready({"member": ()})
    assert crew.members["member"].process.pid is not None
    os.kill(crew.members["member"].process.pid, signal.SIGSTOP)
    heard.until(lambda: "ready" in heard.states)
    assert heard.states == ["silent", "died", "ready"]


def test_successors_that_fail_are_tried_at_growing_distances_for_ever(crew: Crew, tmp_path: Path) -> None:
    start(crew, cannot, tmp_path)
    member = crew.members["member"]
    member.failures = 5000
    assert not member.is_due
    Heard(crew).until(lambda: member.stage.value == "ended")


def test_all_that_fail_at_the_start_are_told_at_once(crew: Crew, tmp_path: Path) -> None:
    start(crew, cannot, tmp_path)
    crew.start("other", Duty(run=dies, setup=lambda: tmp_path))
    with pytest.raises(ConnectError) as caught:
        crew.wait_ready({"member": (), "other": ()})
    assert {str(error) for error in caught.value.causes} == {
        "no such device",
        "the other process ended (exit 3) before it was ready",
    }


def test_devices_are_waited_for_one_by_one(crew: Crew, tmp_path: Path) -> None:
    start(crew, cannot, tmp_path)
    with pytest.raises(ConnectError, match="the member process ended"):
        crew.wait_ready({"member": ("front", "wrist")})
