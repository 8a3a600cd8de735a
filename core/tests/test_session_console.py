"""What the operator reads of a process, an arm or a camera that fails."""

from io import StringIO

import pytest
from rich.console import Console

from hilt.ipc.messages import Status, StatusState
from hilt.replay.following import Behind
from hilt.session.console import CONSEQUENCES, Screen


def told(process: str, device: str, state: StatusState, *, ends_episode: bool = False) -> str:
    console = Console(file=StringIO(), width=200)
    Screen(console, recorded=1).status(process, Status(device=device, state=state, detail="why"), ends_episode=ends_episode)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return text.replace("\a", "").strip()


@pytest.mark.parametrize(
    ("process", "device", "state", "text"),
    [
        ("rig", "robot", StatusState.REFUSED, "robot: why. When that is put right, acknowledge"),
        ("rig", "leader", StatusState.REFUSED, "leader: why. It stays limp and does not follow the robot"),
        ("rig", "robot", StatusState.LOST, "robot is lost: why; check its power and its cable"),
        ("cameras", "front", StatusState.LOST, "front is lost: why; it is tried again"),
        ("cameras", "cameras", StatusState.DIED, "why; it is started again"),
        ("recorder", "dataset", StatusState.LOST, "the dataset is not brought up to date for now: why"),
        ("recorder", "dataset", StatusState.RECOVERED, "why"),
    ],
)
def test_what_happened_comes_with_what_to_do(process: str, device: str, state: StatusState, text: str) -> None:
    assert told(process, device, state).startswith(text)


@pytest.mark.parametrize("state", [StatusState.READY, StatusState.BACK, StatusState.WORKING, StatusState.SAVED])
def test_what_is_ordinary_is_not_told(state: StatusState) -> None:
    assert told("recorder", "recorder", state) == ""


def test_an_episode_ends_with_the_recorder_and_not_with_a_log_that_does_not_fit_the_dataset() -> None:
    assert "The episode ends here" in told("recorder", "recorder", StatusState.FAILED, ends_episode=True)
    assert told("recorder", "dataset", StatusState.FAILED, ends_episode=True) == "dataset: why"


def test_a_plugin_that_is_called_as_a_process_is_not_taken_for_it() -> None:
    assert told("observers", "policy", StatusState.FAILED) == "policy: why"


@pytest.mark.parametrize(("device", "state"), CONSEQUENCES)
def test_every_consequence_belongs_to_something_that_is_told(device: str, state: StatusState) -> None:
    process = {"robot": "rig", "leader": "rig", "camera": "cameras"}.get(device, device)
    assert told(process, device, state).endswith(CONSEQUENCES[device, state])


def test_a_name_and_a_unit_are_shown_as_they_are() -> None:
    console = Console(file=StringIO(), width=100)
    Screen(console, recorded=1).followed([Behind("[left] pan", "[mm]", most=2.0, at_s=1.0, mean=1.0, recorded=None)])
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[left] pan" in shown
    assert "2.0 [mm]" in shown
