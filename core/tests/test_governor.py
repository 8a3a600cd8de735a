import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilt.rig.governor import Envelope, Governor
from hilt_hooks import Limits, Signal

NAMES = ("a", "b", "c")
PERIOD = 1 / 60
LIMITS = {"*": Limits(lower=-90, upper=90, velocity=180, acceleration=900, reason="test"), "c": Limits(0, 100, 300, 1500)}
ENVELOPE = Envelope.of([Signal(name, "deg") for name in NAMES], LIMITS, 15)
GOVERNOR = Governor(ENVELOPE, PERIOD)

number = st.one_of(st.floats(-400, 400), st.sampled_from([np.nan, np.inf, -np.inf, 1e300]))
vector = st.lists(number, min_size=3, max_size=3).map(np.array)
pose = st.lists(st.floats(-80, 80), min_size=3, max_size=3).map(np.array)


def settle(target: np.ndarray, start: np.ndarray, ticks: int = 400) -> np.ndarray:
    """The commands on the way to a target, for an arm that follows at once."""
    state, sent = GOVERNOR.begin(start), [start]
    for _ in range(ticks):
        state = GOVERNOR.command(state, target, state.sent)
        sent.append(state.sent)
    return np.array(sent)


@settings(max_examples=300, deadline=None)
@given(
    start=pose,
    steps=st.lists(st.tuples(st.one_of(vector, st.none()), st.lists(st.floats(-30, 30), min_size=3, max_size=3)), max_size=30),
)
def test_invariant_whatever_is_asked(start, steps):
    start = np.clip(start, ENVELOPE.lower, ENVELOPE.upper)
    state = GOVERNOR.begin(start)
    for target, push in steps:
        measured = state.sent + np.array(push)
        after = GOVERNOR.hold(state, measured) if target is None else GOVERNOR.command(state, target, measured)
        speed, before = np.abs(after.velocity), np.abs(state.velocity)
        assert np.isfinite(after.sent).all()
        assert (after.sent >= ENVELOPE.lower - 1e-9).all()
        assert (after.sent <= ENVELOPE.upper + 1e-9).all()
        assert (speed <= ENVELOPE.velocity * (1 + 1e-9)).all()
        same_way = np.where(after.velocity * state.velocity > 0, before, 0)
        assert (speed <= same_way + ENVELOPE.acceleration * PERIOD + 1e-6).all()
        further = np.abs(after.sent - measured) - np.abs(state.sent - measured)
        assert ((np.abs(after.sent - measured) <= 15 + 1e-9) | (further <= 1e-9)).all()
        state = after


def test_reaches_the_target_without_passing_it():
    sent = settle(np.array([60.0, -60.0, 50.0]), np.zeros(3))
    assert sent[-1] == pytest.approx([60, -60, 50])
    assert sent[:, 0].max() <= 60
    assert (np.diff(sent[:, 0]) >= 0).all()


def test_slows_down_along_the_curve():
    velocity = np.diff(settle(np.array([80.0, 0, 0]), np.full(3, -80.0))[:, 0]) / PERIOD
    assert velocity.max() == pytest.approx(180, rel=0.05)
    assert np.diff(velocity).min() >= -900 * PERIOD * 1.25


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_holds_and_names_the_joint(bad):
    state = GOVERNOR.begin(np.array([1.0, 2.0, 3.0]))
    after = GOVERNOR.command(state, np.array([10, bad, 10]), state.sent)
    assert after.sent == pytest.approx([1, 2, 3])
    assert "b" in after.alarm


def test_a_measurement_that_is_no_number_does_not_reach_the_command() -> None:
    state = GOVERNOR.begin(np.array([1.0, 2.0, 3.0]))
    after = GOVERNOR.command(state, np.array([1.5, 2.0, 3.0]), np.array([np.nan, 2.0, np.inf]))
    assert np.isfinite(after.sent).all()
    assert np.isfinite(GOVERNOR.hold(after, np.full(3, np.nan)).sent).all()


def test_hold_stops_at_once():
    state = GOVERNOR.begin(np.zeros(3))
    for _ in range(30):
        state = GOVERNOR.command(state, np.array([80.0, 0, 0]), state.sent)
    assert state.velocity[0] > 100
    held = GOVERNOR.hold(state, state.sent)
    assert held.sent == pytest.approx(state.sent)


def test_blocked_arm_stops_the_target_and_alarms():
    state, measured = GOVERNOR.begin(np.zeros(3)), np.zeros(3)
    for _ in range(60):
        state = GOVERNOR.command(state, np.array([80.0, 0, 0]), measured)
    assert state.sent[0] == pytest.approx(15)
    assert "cannot follow" in state.alarm
    assert "a (more than 15" in state.alarm


def test_held_arm_that_is_pushed_away_is_not_pulled_back_with_force():
    state = GOVERNOR.begin(np.zeros(3))
    for _ in range(120):
        state = GOVERNOR.hold(state, np.array([40.0, 0, 0]))
    assert state.sent[0] == pytest.approx(25)


def test_the_tighter_limit_wins():
    envelope = Envelope.of([Signal("a", "deg", limits=Limits(lower=-10, upper=200))], {"*": Limits(-90, 90)}, 15)
    assert (envelope.lower[0], envelope.upper[0]) == (-10, 90)
