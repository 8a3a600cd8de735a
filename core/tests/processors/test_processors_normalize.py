"""Normalisation: there and back, and what it does with odd statistics."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hilt.processors import Feature
from hilt.processors.normalize import MODES, Normalizer, NormalizerConfig, Unnormalizer
from hilt_hooks import ConfigError, Transition

STATE = "observation.state"
WIDTH = 3
values = arrays(np.float32, (4, WIDTH), elements=st.floats(-1000, 1000, width=32))
spreads = arrays(np.float32, (WIDTH,), elements=st.floats(0.0625, 1000, width=32))
centres = arrays(np.float32, (WIDTH,), elements=st.floats(-1000, 1000, width=32))


def scaling(mode: str, state: dict[str, np.ndarray]) -> tuple[Normalizer, Unnormalizer]:
    config = NormalizerConfig(
        features={STATE: Feature("STATE", (WIDTH,)), "action": Feature("ACTION", (WIDTH,))},
        norm_map={"STATE": mode, "ACTION": mode},
    )
    return Normalizer(config, state), Unnormalizer(config, state)


def statistics(centre: np.ndarray, spread: np.ndarray) -> dict[str, np.ndarray]:
    named = {
        "mean": centre,
        "std": spread,
        "min": centre - spread,
        "max": centre + spread,
        "q01": centre - spread / 2,
        "q99": centre + spread / 2,
        "q10": centre - spread / 4,
        "q90": centre + spread / 4,
    }
    return {f"{feature}.{name}": value for feature in (STATE, "action") for name, value in named.items()}


@given(mode=st.sampled_from(MODES), x=values, centre=centres, spread=spreads)
def test_unnormalize_undoes_normalize(mode, x, centre, spread):
    before, after = scaling(mode, statistics(centre, spread))
    there = before(Transition(observation={STATE: x}, action=x))
    back = after(there)
    # float32 keeps seven digits of the largest number that is added on the way
    tolerance = 1e-5 * (np.abs(x).max(initial=0) + np.abs(centre).max() + spread.max())
    np.testing.assert_allclose(back.action, x, atol=tolerance, rtol=0)
    np.testing.assert_allclose(back.observation[STATE], x, atol=tolerance, rtol=0)
    assert there.action.dtype == np.float32


@pytest.mark.parametrize(
    ("mode", "low", "high"), [("MIN_MAX", "min", "max"), ("QUANTILES", "q01", "q99"), ("QUANTILE10", "q10", "q90")]
)
def test_the_ends_of_the_range_become_minus_one_and_one(mode, low, high):
    state = statistics(np.array([0, 5, -7], np.float32), np.array([1, 20, 300], np.float32))
    before, _ = scaling(mode, state)
    done = before(Transition(action=np.stack([state[f"action.{low}"], state[f"action.{high}"]])))
    np.testing.assert_allclose(done.action, [[-1] * WIDTH, [1] * WIDTH], atol=1e-5)


def test_mean_std_gives_the_number_of_deviations():
    before, _ = scaling("MEAN_STD", statistics(np.full(WIDTH, 10, np.float32), np.full(WIDTH, 2, np.float32)))
    np.testing.assert_allclose(before(Transition(action=np.full(WIDTH, 16, np.float32))).action, np.full(WIDTH, 3))


def test_a_channel_that_never_moved_stays_finite():
    state = {"action.min": np.ones(WIDTH, np.float32), "action.max": np.ones(WIDTH, np.float32)}
    before, after = scaling("MIN_MAX", state)
    there = before(Transition(action=np.ones(WIDTH, np.float32)))
    np.testing.assert_array_equal(there.action, -np.ones(WIDTH))
    np.testing.assert_allclose(after(there).action, np.ones(WIDTH))


def test_features_without_statistics_or_without_a_mode_pass_through():
    before, _ = scaling("MEAN_STD", {"action.mean": np.zeros(WIDTH, np.float32), "action.std": np.ones(WIDTH, np.float32)})
    x = np.arange(WIDTH, dtype=np.float32)
    done = before(Transition(observation={STATE: x, "observation.other": x}))
    assert done.observation[STATE] is x
    assert done.observation["observation.other"] is x
    assert done.action is None


def test_images_are_normalised_per_colour():
    state = {"observation.images.front.mean": np.full((3, 1, 1), 0.5, np.float32)}
    state["observation.images.front.std"] = np.full((3, 1, 1), 0.25, np.float32)
    config = NormalizerConfig(
        features={"observation.images.front": Feature("VISUAL", (3, 4, 4))}, norm_map={"VISUAL": "MEAN_STD"}
    )
    done = Normalizer(config, state)(Transition(observation={"observation.images.front": np.ones((1, 3, 4, 4), np.float32)}))
    np.testing.assert_allclose(done.observation["observation.images.front"], np.full((1, 3, 4, 4), 2.0), rtol=1e-6)


def test_a_missing_statistic_is_named():
    before, _ = scaling("QUANTILES", {"action.q01": np.zeros(WIDTH, np.float32)})
    with pytest.raises(ConfigError, match="action: QUANTILES needs the statistic 'q99', but the checkpoint has only q01"):
        before(Transition(action=np.zeros(WIDTH, np.float32)))


def test_an_unknown_mode_is_refused_with_the_ones_there_are():
    config = NormalizerConfig(norm_map={"STATE": "MEAN_STD"})
    with pytest.raises(ConfigError, match=r"norm_map: MEDIAN is no normalisation mode; choose from MEAN_STD, MIN_MAX"):
        Normalizer(evolve(config, norm_map={"STATE": "MEDIAN"}), {})
