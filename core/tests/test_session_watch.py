"""A hand on the leader, and a policy that gives nothing, as ticks show them."""

import pytest
from tick_samples import idle_tick

from hilt.ipc.messages import Phase, Source, Tick
from hilt.session.watch import STARVES_S, TOUCH_TICKS, Starvation, Touch

LIMIT = 10.0
FAR, NEAR = [0.0, LIMIT + 1], [0.0, LIMIT - 1]
STARVES_NS = round(STARVES_S * 1e9)


def leading(leader: list[float] | None, *, fresh: bool = True) -> Tick:
    return idle_tick(leader=leader, leader_fresh=fresh, leader_sent=[0.0, 0.0])


def felt(*ticks: Tick, limit: float | None = LIMIT, phase: Phase = Phase.AUTONOMOUS) -> list[bool]:
    touch = Touch(limit)
    return [touch.felt(tick, phase) for tick in ticks]


def test_a_leader_that_is_away_for_some_ticks_is_held() -> None:
    assert felt(*[leading(FAR)] * TOUCH_TICKS) == [False] * (TOUCH_TICKS - 1) + [True]


@pytest.mark.parametrize(
    "between", [leading(NEAR), leading(FAR, fresh=False), leading(None), idle_tick(leader=FAR, leader_fresh=True)]
)
def test_ticks_count_only_without_a_break(between: Tick) -> None:
    away = [leading(FAR)] * (TOUCH_TICKS - 1)
    assert not any(felt(*away, between, *away))


def test_nothing_is_felt_where_that_is_not_wanted_or_the_policy_does_not_drive() -> None:
    ticks = [leading(FAR)] * 2 * TOUCH_TICKS
    assert not any(felt(*ticks, limit=None))
    assert not any(any(felt(*ticks, phase=phase)) for phase in Phase if phase != Phase.AUTONOMOUS)


def waiting(time_ns: int, **changed: object) -> Tick:
    return idle_tick(time_ns=time_ns, **{"phase": Phase.AUTONOMOUS, "source": Source.HOLD, **changed})


def test_an_arm_that_waits_for_the_policy_for_too_long_starves() -> None:
    starvation = Starvation()
    starvation.feed(1)
    assert not starvation.seen(waiting(STARVES_NS + 1), Phase.AUTONOMOUS)
    assert starvation.seen(waiting(STARVES_NS + 2), Phase.AUTONOMOUS)


@pytest.mark.parametrize(
    ("changed", "phase"),
    [
        ({"source": Source.POLICY}, Phase.AUTONOMOUS),
        ({"alarm": "holding: waiting for the robot"}, Phase.AUTONOMOUS),
        ({"phase": Phase.PAUSED}, Phase.AUTONOMOUS),
        ({}, Phase.PAUSED),
    ],
    ids=["it is fed", "something else is the matter", "the rig pauses", "the session pauses"],
)
def test_what_is_no_waiting_for_the_policy_begins_anew(changed: dict[str, object], phase: Phase) -> None:
    starvation = Starvation()
    assert not starvation.seen(waiting(2 * STARVES_NS, **changed), phase)
    assert not starvation.seen(waiting(3 * STARVES_NS), Phase.AUTONOMOUS)
    assert starvation.seen(waiting(3 * STARVES_NS + 1), Phase.AUTONOMOUS)
