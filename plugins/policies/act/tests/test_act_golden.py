"""Checkpoints that LeRobot wrote give the actions that LeRobot computed."""

import json
from pathlib import Path

import numpy as np
import pytest

from hilt.checkpoint import open_checkpoint
from hilt_hooks import ConfigError, Transition
from hilt_policy_act.config import ACTRuntime, read_config, write_config
from hilt_policy_act.embedding import sequence_positions
from hilt_policy_act.network import ACTNetwork
from hilt_policy_act.policy import ACT
from hilt_policy_act.weights import collect_weights, load_weights, read_weights

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


def test_the_golden_configuration_is_written_back_as_it_was():
    text = (GOLDEN / "config.json").read_text()
    checkpoint = open_checkpoint(GOLDEN)
    written = write_config(read_config(checkpoint.config), checkpoint.inputs, checkpoint.outputs)
    assert json.dumps(written, indent=4) == text


def test_the_golden_weights_are_collected_as_they_were():
    checkpoint = open_checkpoint(GOLDEN)
    stored = read_weights(checkpoint)
    network = ACTNetwork(read_config(checkpoint.config), checkpoint.inputs, checkpoint.outputs)
    load_weights(network, stored, "golden")
    collected = collect_weights(network)
    assert collected.keys() == stored.keys()
    for key, value in stored.items():
        np.testing.assert_array_equal(collected[key], value)


def test_position_embeddings_are_those_of_the_golden_checkpoint():
    stored = read_weights(open_checkpoint(GOLDEN))["model.vae_encoder_pos_enc"]
    np.testing.assert_allclose(sequence_positions(*stored.shape[1:]), stored[0], atol=1e-6)
