"""From observations to what a pipeline takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt.processors import policy_transition, resize, to_network
from hilt_hooks import ConfigError, Observation, PolicySpec, Vector

SPEC = PolicySpec(
    state=("a.pos", "b.pos"), actions=("a.pos",), state_size=2, action_size=1, images={"front": (4, 6, 3)}, task=True
)
SIZES = {"front": ("observation.images.front", 2, 3)}


def observation(**changes: object) -> Observation:
    parts = {"state": Vector.of({"b.pos": 2.0, "a.pos": 1.0}), "images": {"front": np.full((4, 6, 3), 51, np.uint8)}}
    return Observation(time_ns=0, task="pick", **(parts | changes))


def test_state_follows_names_and_images_are_scaled():
    done = policy_transition(observation(), SPEC, SIZES)
    np.testing.assert_array_equal(done.observation["observation.state"], np.array([1, 2], np.float32))
    np.testing.assert_allclose(done.observation["observation.images.front"], np.full((3, 2, 3), 0.2), rtol=1e-6)
    assert done.info == {"task": "pick"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, "needs the camera 'front'; there are none"),
        ({"images": {"front": np.zeros((8, 6, 3), np.uint8)}}, r"takes images of shape \(4, 6, 3\), but got \(8, 6, 3\)"),
        ({"state": Vector.of({"a.pos": 1.0, "c.pos": 1.0})}, "channels do not match"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        policy_transition(observation(**changes), SPEC, SIZES)


def test_images_become_planes_between_zero_and_one():
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    planes = to_network(image)
    assert planes.shape == (3, 2, 3)
    assert planes[2, 1, 0] == np.float32(image[1, 0, 2]) / np.float32(255)


@given(h=st.integers(1, 40), w=st.integers(1, 40), height=st.integers(1, 40), width=st.integers(1, 40), value=st.integers(0, 255))
def test_resizing_keeps_an_even_colour(h, w, height, width, value):
    scaled = resize(np.full((h, w, 3), value, np.uint8), height, width)
    np.testing.assert_array_equal(scaled, np.full((height, width, 3), value))


def test_resizing_by_a_whole_factor_averages_the_pixels():
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    expected = image.reshape(3, 2, 4, 2, 3).mean(axis=(1, 3))
    assert np.abs(resize(image, 3, 4) - expected).max() <= 0.5


def test_an_image_of_the_right_size_is_not_touched():
    image = np.zeros((4, 6, 3), np.uint8)
    assert resize(image, 4, 6) is image
