"""ACT as a policy: what a session sees of it."""

import subprocess
import sys

import numpy as np
import pytest
from act_checkpoints import write
from safetensors.numpy import load_file, save_file

from hilt_hooks import ConfigError, Observation, Policy, Prediction, Vector
from hilt_policy_act.config import ACTRuntime
from hilt_policy_act.ensemble import Ensemble
from hilt_policy_act.policy import ACT

SECOND = 1_000_000_000


def observation(time_ns: int = 0, a: float = 11.0) -> Observation:
    image = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return Observation(time_ns, Vector.of({"b.pos": -12.0, "a.pos": a}), {"front": image})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("act"))


def loaded(folder, **runtime: object) -> ACT:
    policy = ACT(ACTRuntime(device="cpu", **runtime), folder)
    policy.load()
    return policy


def test_the_spec_says_what_the_session_must_provide(folder):
    policy = ACT(ACTRuntime(), folder)
    assert isinstance(policy, Policy)
    spec = policy.spec
    assert (spec.state, spec.actions) == (("a.pos", "b.pos"), ("a.pos", "b.pos"))
    assert spec.images == {"front": (60, 80, 3)}
    assert (spec.chunk, spec.use, spec.fps) == (6, 4, 30.0)


def test_reading_the_spec_needs_no_torch(folder):
    code = (
        "import sys; from pathlib import Path; from hilt_policy_act.plugin import hilt_policies; from hilt.kernel import build;"
        "d, = hilt_policies(); assert build(d, d.config(), Path(sys.argv[1])).spec.chunk == 6; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=60)


def test_predictions_are_deterministic_and_in_robot_units(folder):
    policy = loaded(folder)
    first, again, fresh = (each.predict(observation()) for each in (policy, policy, loaded(folder)))
    assert first.names == ("a.pos", "b.pos")
    assert first.actions.shape == first.model.shape == (6, 2)
    np.testing.assert_array_equal(first.actions, again.actions)
    np.testing.assert_array_equal(first.actions, fresh.actions)
    np.testing.assert_allclose(first.actions, first.model * [2.0, 3.0] + [100.0, -100.0], rtol=1e-5)


def test_the_prediction_depends_on_state_and_image(folder):
    policy = loaded(folder)
    base = policy.predict(observation())
    assert not np.allclose(base.model, policy.predict(observation(a=30.0)).model)
    dark = Observation(0, observation().state, {"front": np.zeros((60, 80, 3), np.uint8)})
    assert not np.allclose(base.model, policy.predict(dark).model)


def test_fewer_steps_of_a_chunk_may_be_used_but_not_more(folder):
    assert ACT(ACTRuntime(n_action_steps=2), folder).spec.use == 2
    with pytest.raises(ConfigError, match="n_action_steps: 7 is more than the checkpoint's chunk of 6 actions"):
        ACT(ACTRuntime(n_action_steps=7), folder)


def test_predicting_before_loading_is_a_mistake_of_the_caller(folder):
    with pytest.raises(RuntimeError, match="load"):
        ACT(ACTRuntime(), folder).predict(observation())


def test_a_device_that_is_not_there_is_named(folder):
    with pytest.raises(ConfigError, match="device: 'abacus' cannot be used here"):
        ACT(ACTRuntime(device="abacus"), folder).load()


def test_weights_that_do_not_fit_are_listed(tmp_path):
    folder = write(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.surplus"] = tensors.pop("model.action_head.bias")
    tensors["model.action_head.weight"] = tensors["model.action_head.weight"][:1].copy()
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ConfigError) as caught:
        loaded(folder)
    missing, unexpected, shape = caught.value.problems
    assert missing.endswith("missing model.action_head.bias")
    assert unexpected.endswith("unexpected model.surplus")
    assert "model.action_head.weight has shape (1, 16), but config.json makes it (2, 16)" in shape


def test_missing_and_damaged_weights_are_explained(tmp_path):
    folder = write(tmp_path)
    (folder / "model.safetensors").write_bytes(b"\xff" * 30)
    with pytest.raises(ConfigError, match="is damaged"):
        loaded(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="is missing"):
        loaded(folder)


def test_statistics_among_the_weights_give_the_same_actions(folder, tmp_path):
    """A checkpoint as LeRobot wrote them before there were processor files."""
    old = write(tmp_path)
    weights = load_file(old / "model.safetensors")
    statistics = load_file(old / "policy_preprocessor_step_3_normalizer_processor.safetensors")
    for key, value in statistics.items():
        feature, _, name = key.rpartition(".")
        groups = ("normalize_targets", "unnormalize_outputs") if feature == "action" else ("normalize_inputs",)
        weights |= {f"{group}.buffer_{feature.replace('.', '_')}.{name}": value for group in groups}
    save_file(weights, old / "model.safetensors")
    for path in old.glob("policy_*"):
        path.unlink()
    np.testing.assert_array_equal(loaded(old).predict(observation()).actions, loaded(folder).predict(observation()).actions)


def test_ensembling_averages_predictions_for_the_same_step(folder):
    plain, policy = loaded(folder), loaded(folder, temporal_ensemble_coeff=0.5)
    assert policy.spec.use == 1
    first, second = observation(0), observation(SECOND // 30, a=25.0)
    a, b = plain.predict(first).actions, plain.predict(second).actions
    policy.predict(first)
    averaged: Prediction = policy.predict(second)
    weight = np.exp(-0.5)
    np.testing.assert_allclose(averaged.actions[:-1], (a[1:] + weight * b[:-1]) / (1 + weight), rtol=1e-5)
    np.testing.assert_allclose(averaged.actions[-1], b[-1], rtol=1e-5)
    policy.reset()
    np.testing.assert_allclose(policy.predict(second).actions, b, rtol=1e-6)


def test_ensembling_weighs_by_age_and_follows_the_clock():
    ensemble = Ensemble(0.1, fps=10.0)
    chunks = [np.full((4, 1), float(value)) for value in (0, 10, 20)]
    ensemble.add(chunks[0], 0)
    ensemble.add(chunks[1], SECOND // 10)
    got = ensemble.add(chunks[2], 2 * SECOND // 10)
    weights = np.exp(-0.1 * np.arange(3))
    assert got[0, 0] == pytest.approx((weights * [0, 10, 20]).sum() / weights.sum())
    assert got[2, 0] == pytest.approx((10 + weights[1] * 20) / (1 + weights[1]))
    assert got[3, 0] == 20
    np.testing.assert_array_equal(ensemble.add(chunks[1], 10 * SECOND), chunks[1])
