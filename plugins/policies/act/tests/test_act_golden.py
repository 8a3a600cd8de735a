"""Checkpoints that LeRobot wrote give the actions that LeRobot computed."""

from pathlib import Path

import numpy as np
import pytest

from hilt_hooks import ConfigError, Transition
from hilt_policy_act.config import ACTRuntime
from hilt_policy_act.policy import ACT

GOLDEN = Path(__file__).parents[4] / "../shared/golden/act_state"

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden data is not on this machine")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "expected_io.npz") as stored:
        return dict(stored)


def test_the_golden_input_gives_the_golden_chunk(expected):
    policy = ACT(ACTRuntime(device="cpu"), GOLDEN)
    policy.load()
    inputs = {name: expected[name] for name in ("observation.state", "observation.environment_state")}
    prediction = policy.run(Transition(observation=inputs))
    np.testing.assert_allclose(prediction.model, expected["chunk_normalized"][0], atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(prediction.actions, expected["chunk"][0], atol=TOLERANCE, rtol=0)


def test_a_network_that_wants_more_than_a_robot_reports_is_refused():
    with pytest.raises(ConfigError, match=r"observation\.environment_state"):
        _ = ACT(ACTRuntime(), GOLDEN).spec
