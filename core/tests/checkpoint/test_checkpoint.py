"""Checkpoint folders: found, read, written."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from safetensors.numpy import load_file

from hilt.checkpoint import (
    CONFIG,
    Checkpoint,
    Metadata,
    Parts,
    find_checkpoint,
    image_sizes,
    open_checkpoint,
    policy_spec,
    split_legacy,
    write_checkpoint,
)
from hilt.processors import Feature, installed, load_pipeline, standard_pipelines
from hilt_hooks import ConfigError

GOLDEN = Path(__file__).parents[3] / "../shared/golden/act_state"

INPUTS = {"observation.state": Feature("STATE", (2,)), "observation.images.front": Feature("VISUAL", (3, 48, 64))}
OUTPUTS = {"action": Feature("ACTION", (2,))}
METADATA = Metadata(
    state=("a.pos", "b.pos"),
    actions=("a.pos", "b.pos"),
    fps=30.0,
    robot_type="arm",
    cameras={"front": (240, 320, 3)},
    datasets=("me/pick",),
)


def parts(weight: float = 1.0, metadata: Metadata = METADATA) -> Parts:
    config = {
        "type": "act",
        "input_features": {name: feature.as_json() for name, feature in INPUTS.items()},
        "output_features": {name: feature.as_json() for name, feature in OUTPUTS.items()},
    }
    statistics = {"action": {"mean": [0.0, 0.0], "std": [1.0, 1.0]}}
    return Parts(
        config=config,
        weights={"model.w": np.full(3, weight, np.float32)},
        pipelines=standard_pipelines(INPUTS, OUTPUTS, {"ACTION": "MEAN_STD"}, statistics),
        metadata=metadata,
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "run", parts(), step=100, steps=200)
    return tmp_path / "run"


def test_what_is_written_is_read_back(output):
    checkpoint = open_checkpoint(output)
    assert checkpoint.type == "act"
    assert (checkpoint.inputs, checkpoint.outputs) == (INPUTS, OUTPUTS)
    assert checkpoint.metadata.cameras == {"front": (240, 320, 3)}
    assert checkpoint.metadata.state == ("a.pos", "b.pos")
    np.testing.assert_array_equal(load_file(checkpoint.weights)["model.w"], np.ones(3))
    assert len(load_pipeline(checkpoint.folder, "policy_preprocessor", installed).steps) == 4
    assert json.loads((output / "checkpoints/000100/training_state/training_step.json").read_text()) == {"step": 100}


@pytest.mark.parametrize(
    "below", ["", "checkpoints", "checkpoints/000100", "checkpoints/last", "checkpoints/last/pretrained_model"]
)
def test_any_folder_of_the_output_leads_to_the_checkpoint(output, below):
    assert find_checkpoint(output / below).resolve() == (output / "checkpoints/000100/pretrained_model").resolve()


def test_last_is_a_relative_link_to_the_newest_step(output):
    write_checkpoint(output, parts(2.0), step=200, steps=200)
    assert os.readlink(output / "checkpoints/last") == "000200"
    assert sorted(os.listdir(output / "checkpoints")) == ["000100", "000200", "last"]
    np.testing.assert_array_equal(load_file(open_checkpoint(output).weights)["model.w"], np.full(3, 2.0))


def test_a_step_is_never_overwritten(output):
    with pytest.raises(ConfigError, match="000100 exists"):
        write_checkpoint(output, parts(), step=100, steps=200)


def test_a_failed_write_leaves_nothing_and_keeps_the_old_checkpoint(output):
    with pytest.raises(TypeError):
        write_checkpoint(output, evolve(parts(), config={"type": object()}), step=200, steps=200)
    assert sorted(os.listdir(output / "checkpoints")) == ["000100", "last"]


def test_the_policy_id_follows_what_decides_about_the_actions(tmp_path):
    def policy_id(name: str, made: Parts) -> str:
        write_checkpoint(tmp_path / name, made, step=1, steps=1)
        return open_checkpoint(tmp_path / name).policy_id

    first = policy_id("first", parts())
    assert first.startswith("act-")
    assert policy_id("same", parts(metadata=Metadata())) == first
    assert policy_id("other", parts(weight=2.0)) != first


def test_a_checkpoint_without_hilt_json_has_the_same_id(output):
    checkpoint = open_checkpoint(output)
    (checkpoint.folder / "hilt.json").unlink()
    assert open_checkpoint(output).policy_id == checkpoint.policy_id


def test_steps_are_padded_so_that_they_sort(tmp_path):
    folder = write_checkpoint(tmp_path, parts(), step=5, steps=10_000_000)
    assert folder.parent.name == "00000005"


def test_the_spec_has_names_rate_and_camera_sizes_of_the_robot(output):
    spec = policy_spec(open_checkpoint(output), chunk=10, use=5)
    assert (spec.state, spec.actions, spec.fps) == (("a.pos", "b.pos"), ("a.pos", "b.pos"), 30.0)
    assert spec.images == {"front": (240, 320, 3)}
    assert image_sizes(open_checkpoint(output)) == {"front": ("observation.images.front", 48, 64)}


def test_without_hilt_json_the_spec_has_sizes_only(output):
    checkpoint = open_checkpoint(output)
    bare = Checkpoint(checkpoint.folder, "act", checkpoint.config, checkpoint.inputs, checkpoint.outputs, Metadata())
    spec = policy_spec(bare, chunk=10, use=5)
    assert (spec.state, spec.state_size, spec.action_size) == ((), 2, 2)
    assert spec.images == {"front": (48, 64, 3)}


def test_names_that_contradict_the_network_are_refused(tmp_path):
    write_checkpoint(tmp_path, parts(metadata=Metadata(state=("a.pos",))), step=1, steps=1)
    with pytest.raises(ConfigError, match=r"names 1 state, but config\.json says 2"):
        policy_spec(open_checkpoint(tmp_path), chunk=1, use=1)


@pytest.mark.parametrize(
    ("path", "message"),
    [("me/policy", r"hf download me/policy --local-dir policy"), ("./nowhere", "give the folder of a checkpoint")],
)
def test_what_is_not_on_this_machine_is_explained(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        find_checkpoint(path)


def test_an_empty_folder_is_explained(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no checkpoint: looked for config\.json"):
        find_checkpoint(tmp_path)


def test_all_problems_of_config_json_come_at_once(tmp_path):
    content = {"input_features": {"observation.state": {"type": "STATE"}}, "output_features": {"action": {"shape": [2]}}}
    (tmp_path / CONFIG).write_text(json.dumps(content))
    with pytest.raises(ConfigError) as caught:
        open_checkpoint(tmp_path)
    assert len(caught.value.problems) == 3
    assert "no `type`" in caught.value.problems[0]


def test_config_json_that_is_not_json_is_named(tmp_path):
    (tmp_path / CONFIG).write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json: not JSON"):
        open_checkpoint(tmp_path)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden data is not on this machine")
def test_a_golden_checkpoint_is_read():
    checkpoint = open_checkpoint(GOLDEN)
    assert checkpoint.inputs["observation.environment_state"] == Feature("ENV", (4,))
    assert checkpoint.metadata == Metadata()
    assert checkpoint.policy_id == open_checkpoint(GOLDEN).policy_id


def test_statistics_among_the_weights_are_taken_apart():
    tensors = {
        "model.w": np.zeros(1),
        "normalize_inputs.buffer_observation_state.mean": np.ones(2),
        "normalize_targets.buffer_action.std": np.ones(3),
        "unnormalize_outputs.buffer_action.mean": np.zeros(3),
    }
    weights, statistics = split_legacy(tensors, ["observation.state", "action"])
    assert list(weights) == ["model.w"]
    assert {name: sorted(values) for name, values in statistics.items()} == {
        "observation.state": ["mean"],
        "action": ["mean", "std"],
    }
