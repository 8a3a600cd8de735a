"""Episodes as a replay reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lerobot_logs import JOINTS, MakeHeader, MakeLog, golden_columns, state

from hilt_hooks import ConfigError, ReadsEpisodes
from hilt_recorder_lerobot.recorder import LeRobotRecorder


@pytest.fixture
def recorded(recorder: LeRobotRecorder, log: MakeLog, header: MakeHeader) -> LeRobotRecorder:
    """Two episodes, without images."""
    plain = header(columns=golden_columns(), cameras=[])
    for episode, task in enumerate(("Pick the cube", "Stack the cube")):
        recorder.add(log(episode, length=10 + episode, task=task, header=plain))
    return recorder


def change(root: Path, feature: str, names: Any) -> None:
    info = json.loads((root / "meta/info.json").read_text())
    info["features"][feature]["names"] = names
    (root / "meta/info.json").write_text(json.dumps(info))


def test_an_episode_comes_back_as_it_was_recorded(recorded: LeRobotRecorder) -> None:
    assert isinstance(recorded, ReadsEpisodes)
    found = recorded.read_episode(1)
    assert (found.robot_type, found.task, found.fps, found.where) == (
        "so101_follower",
        "Stack the cube",
        30.0,
        str(recorded.root),
    )
    assert found.action_names == found.state_names == tuple(JOINTS)
    wanted = np.array([state(1, frame) for frame in range(11)])
    np.testing.assert_allclose(found.states, wanted, atol=1e-5)
    np.testing.assert_allclose(found.actions, wanted + 1, atol=1e-5)


def test_names_in_groups_are_names(recorded: LeRobotRecorder) -> None:
    change(recorded.root, "action", {"motors": JOINTS})
    assert recorded.read_episode(0).action_names == tuple(JOINTS)


def test_states_without_names_are_left_out(recorded: LeRobotRecorder) -> None:
    change(recorded.root, "observation.state", None)
    found = recorded.read_episode(0)
    assert (found.state_names, found.states.shape) == ((), (10, 0))


def test_actions_without_names_are_refused(recorded: LeRobotRecorder) -> None:
    change(recorded.root, "action", None)
    with pytest.raises(ConfigError, match="have no names"):
        recorded.read_episode(0)


def test_an_episode_that_is_not_there_is_told_with_those_that_are(recorded: LeRobotRecorder) -> None:
    with pytest.raises(ConfigError, match=r"dataset.episode: there is no 2; .* has episodes 0 to 1"):
        recorded.read_episode(2)


def test_lerobots_own_dataset(golden: Path) -> None:
    from hilt_recorder_lerobot.recorded import recorded_episode

    found = recorded_episode(golden, 2)
    assert found.task == "Stack the cube"
    np.testing.assert_allclose(found.actions[7], state(2, 7) + 1, atol=1e-5)
