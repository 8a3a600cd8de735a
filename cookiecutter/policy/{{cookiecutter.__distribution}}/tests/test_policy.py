"""A checkpoint, opened as a session opens it."""

import json
from pathlib import Path

import numpy as np
import pytest

from hilt.inference.process import open_policy
from hilt.kernel import Registry
from hilt_hooks import ConfigError, Observation, Policy, Vector
from {{ cookiecutter.__module }}.checkpoint import save
from {{ cookiecutter.__module }}.plugin import hilt_policies

POSE = {"shoulder.pos": 10.0, "elbow.pos": -20.0, "gripper.pos": 0.5}
(POLICY,) = hilt_policies()


def opened(folder: Path) -> Policy:
    return open_policy(POLICY.name, {"device": "cpu", "threads": 1}, folder, Registry.of(POLICY))


def seen(state: dict[str, float]) -> Observation:
    return Observation(time_ns=0, state=Vector.of(state), images={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path, POSE, chunk_size=8, max_step=4.0)


def test_the_spec_says_what_a_session_must_know(folder: Path) -> None:
    spec = opened(folder).spec
    assert spec.actions == spec.state == tuple(POSE)
    assert (spec.chunk, spec.use, spec.images) == (8, 8, {})


def test_it_goes_to_the_pose_by_name_and_in_steps(folder: Path) -> None:
    policy = opened(folder)
    policy.load()
    policy.reset()
    prediction = policy.predict(seen({"gripper.pos": 0.5, "elbow.pos": 0.0, "shoulder.pos": 0.0}))
    assert prediction.names == tuple(POSE)
    assert prediction.actions.shape == prediction.model.shape == (8, 3)
    np.testing.assert_allclose(prediction.actions[0], [4.0, -4.0, 0.5])
    np.testing.assert_allclose(np.abs(np.diff(prediction.actions, axis=0)).max(), 4.0)
    np.testing.assert_allclose(prediction.actions[-1], [*POSE.values()])


def test_a_checkpoint_without_what_it_needs_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["max_step"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="lacks max_step"):
        opened(folder)
