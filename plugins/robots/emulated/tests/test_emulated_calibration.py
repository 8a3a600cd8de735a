"""Angles, encoder steps and channels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilt_hooks import ConfigError
from hilt_robot_emulated.calibration import CHANNELS, ENCODERS, from_channels, motor_calibration, to_channels
from hilt_robot_emulated.so101 import LINKS

ANGLES = st.tuples(*(st.floats(link.lower, link.upper) for link in LINKS))
ALL = [encoder for arm in ENCODERS.values() for encoder in arm]


@given(ANGLES)
def test_channels_and_back(angles: tuple[float, ...]) -> None:
    assert from_channels(to_channels(angles)) == pytest.approx(angles, abs=1e-9)


@given(st.sampled_from(ALL), st.floats(-math.pi, math.pi))
def test_encoder_and_back(encoder: object, angle: float) -> None:
    assert encoder.angle(encoder.actual(angle)) == pytest.approx(angle, abs=1e-9)


@given(st.sampled_from(ENCODERS["robot"]), st.integers(0, 4095))
def test_channels_follow_the_calibration_file(encoder: object, present: int) -> None:
    """The driver's view: raw position -> degrees from mid-range, or percent of the range."""
    entry = motor_calibration("robot")[encoder.joint]
    value = encoder.to_channel(encoder.angle(present + entry.homing_offset))
    if encoder.joint == "gripper":
        assert value == pytest.approx((present - entry.range_min) / (entry.range_max - entry.range_min) * 100)
    else:
        assert value == pytest.approx((present - (entry.range_min + entry.range_max) / 2) * 360 / 4095)


def test_ranges_stay_on_one_turn_of_the_encoder() -> None:
    """A joint must not wrap in its range: the servo counts 0 to 4095."""
    for arm, encoders in ENCODERS.items():
        for encoder, link in zip(encoders, LINKS, strict=True):
            for angle in (link.lower, link.upper):
                assert 0 <= encoder.actual(angle) - encoder.homing_offset <= 4095, (arm, encoder.joint)


def test_a_pose_needs_every_channel() -> None:
    with pytest.raises(ConfigError, match=r"shoulder_pan\.pos"):
        from_channels(dict.fromkeys(CHANNELS[:-1], 0.0))
