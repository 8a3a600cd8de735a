"""Pipelines and their files."""

import json
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve, frozen

from hilt.kernel import Registry
from hilt.processors import (
    POSTPROCESSOR,
    PREPROCESSOR,
    Feature,
    Pipeline,
    installed,
    load_pipeline,
    save_pipeline,
    standard_pipelines,
)
from hilt.processors.pipeline import make_step
from hilt.processors.plugin import hilt_processors
from hilt_hooks import ConfigError, PluginMissing, ProcessorDescriptor, Transition, option

GOLDEN = Path(__file__).parents[3] / "../shared/golden"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden data is not on this machine")

INPUTS = {"observation.state": Feature("STATE", (2,)), "observation.images.front": Feature("VISUAL", (3, 4, 6))}
OUTPUTS = {"action": Feature("ACTION", (2,))}
STATISTICS = {
    "observation.state": {"mean": [1.0, 2.0], "std": [0.5, 0.25]},
    "action": {"mean": [10.0, 20.0], "std": [4.0, 8.0]},
    "observation.images.front": {"mean": [[[0.5]]] * 3, "std": [[[0.25]]] * 3},
}
MEAN_STD = {"VISUAL": "MEAN_STD", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}


@pytest.fixture
def pipelines() -> tuple[Pipeline, Pipeline]:
    return standard_pipelines(INPUTS, OUTPUTS, MEAN_STD, STATISTICS)


def sample() -> Transition:
    return Transition(
        observation={
            "observation.state": np.array([2.0, 2.5], np.float32),
            "observation.images.front": np.ones((3, 4, 6), np.float32),
        },
        info={"task": "pick"},
    )


def test_a_sample_comes_out_batched_and_normalised(pipelines):
    before, after = pipelines
    done = before(sample())
    np.testing.assert_allclose(done.observation["observation.state"], [[2.0, 2.0]], rtol=1e-6)
    np.testing.assert_allclose(done.observation["observation.images.front"], np.full((1, 3, 4, 6), 2.0), rtol=1e-6)
    assert done.info["task"] == ["pick"]
    np.testing.assert_allclose(after(Transition(action=np.ones((5, 2), np.float32))).action, np.tile([14.0, 28.0], (5, 1)))


def test_saving_and_loading_gives_the_same_pipeline_and_the_same_files(pipelines, tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    for pipeline in pipelines:
        save_pipeline(pipeline, tmp_path / "first")
        again = load_pipeline(tmp_path / "first", pipeline.name, installed)
        save_pipeline(again, tmp_path / "second")
        transition = sample() if pipeline.name == PREPROCESSOR else Transition(action=np.ones(2, np.float32))
        expected, got = pipeline(transition), again(transition)
        assert str(expected) == str(got)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == [
        "policy_postprocessor.json",
        "policy_postprocessor_step_0_unnormalizer_processor.safetensors",
        "policy_preprocessor.json",
        "policy_preprocessor_step_3_normalizer_processor.safetensors",
    ]
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@needs_golden
@pytest.mark.parametrize("checkpoint", ["act_state", "diffusion_state"])
@pytest.mark.parametrize("name", [PREPROCESSOR, POSTPROCESSOR])
def test_golden_pipelines_are_written_back_as_they_were(checkpoint, name, tmp_path):
    save_pipeline(load_pipeline(GOLDEN / checkpoint, name, installed), tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (GOLDEN / checkpoint / path.name).read_bytes(), path.name
    assert len(list(tmp_path.iterdir())) == 2


def test_renaming_keeps_the_other_keys():
    step = make_step(
        "rename_observations_processor", {"rename_map": {"observation.images.top": "observation.images.front"}}, {}, installed
    )
    done = step.processor(Transition(observation={"observation.images.top": 1, "observation.state": 2}))
    assert done.observation == {"observation.images.front": 1, "observation.state": 2}


def test_what_is_batched_already_stays_as_it_is():
    step = make_step("to_batch_processor", {}, {}, installed)
    batched = step.processor(step.processor(Transition(observation={"observation.state": np.zeros(2)}, action=np.zeros(2))))
    assert batched.observation["observation.state"].shape == (1, 2)
    assert batched.action is not None
    assert batched.action.shape == (1, 2)


def test_an_unknown_step_is_named_with_the_nearest_one(tmp_path):
    steps = [{"registry_name": "normaliser_processor", "config": {}}]
    (tmp_path / "policy_preprocessor.json").write_text(json.dumps({"name": "policy_preprocessor", "steps": steps}))
    with pytest.raises(PluginMissing, match=r"'normaliser_processor'.*did you mean 'normalizer_processor'"):
        load_pipeline(tmp_path, PREPROCESSOR, lambda name: Registry.of(*hilt_processors()).find(ProcessorDescriptor, name))


def test_a_wrong_configuration_names_step_and_key():
    with pytest.raises(ConfigError, match=r"device_processor: .*devise"):
        make_step("device_processor", {"devise": "cpu"}, {}, installed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not a pipeline file"),
        ("[]", "not a pipeline file"),
        ('{"name": "x"}', "not a pipeline file"),
        ('{"steps": [{"class": "a.B"}]}', r"steps\[0\]: no registry_name \(found class\)"),
        (
            '{"steps": [{"registry_name": "normalizer_processor", "state_file": "gone.safetensors"}]}',
            "gone.safetensors is missing",
        ),
        (
            '{"steps": [{"registry_name": "normalizer_processor", "state_file": "../x.safetensors"}]}',
            "must be a file of the same folder",
        ),
    ],
)
def test_broken_files_are_explained(content, message, tmp_path):
    (tmp_path / "policy_preprocessor.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_pipeline(tmp_path, PREPROCESSOR, installed)


def test_a_missing_file_and_a_damaged_one_are_explained(tmp_path):
    with pytest.raises(ConfigError, match=r"policy_preprocessor\.json is missing"):
        load_pipeline(tmp_path, PREPROCESSOR, installed)
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 20)
    steps = [{"registry_name": "normalizer_processor", "state_file": "x.safetensors"}]
    (tmp_path / "policy_preprocessor.json").write_text(json.dumps({"steps": steps}))
    with pytest.raises(ConfigError, match="is damaged"):
        load_pipeline(tmp_path, PREPROCESSOR, installed)


@frozen(kw_only=True)
class CountConfig:
    start: int = option(0, help="Where counting starts")


class Count:
    """A third party's step with memory: what `reset` is for."""

    def __init__(self, config: CountConfig, state: object) -> None:
        self._start = self._count = config.start

    def __call__(self, transition: Transition) -> Transition:
        self._count += 1
        return evolve(transition, info={"count": self._count})

    def reset(self) -> None:
        self._count = self._start


def test_a_plugins_step_takes_part_and_is_reset():
    descriptor = ProcessorDescriptor(name="count", summary="Counts", config=CountConfig, factory=f"{__name__}:Count")

    def find(name: str) -> ProcessorDescriptor:
        return Registry.of(descriptor).find(ProcessorDescriptor, name)

    pipeline = Pipeline("mine", [make_step("count", {"start": 5}, {}, find)])
    assert [pipeline(Transition()).info["count"] for _ in range(2)] == [6, 7]
    pipeline.reset()
    assert pipeline(Transition()).info["count"] == 6
