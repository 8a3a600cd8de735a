"""What the rig decides, tick by tick, without clock or bus."""

import numpy as np
import pytest
from attrs import evolve
from msgspec import structs

from hilt.ipc.messages import Acknowledge, ChunkMessage, Phase, Segment, SetMode, Source
from hilt.rig.engine import LOST_S, STALE_S, ActionFilter, Decision, Engine, Filtered, Inputs, Layout, Sensed
from hilt.rig.governor import Envelope, Governor
from hilt.rig.leader import Handover
from hilt_hooks import Floats, Limits, Signal

NAMES = ("a.pos", "b.pos")
PERIOD = 1 / 60
LIMITS = {"*": Limits(-90, 90, velocity=180, acceleration=900)}


def mode(phase: Phase, *, epoch: int = 0, episode: int = 0, segment: Segment = Segment.AUTONOMOUS) -> SetMode:
    source = {Phase.AUTONOMOUS: Source.POLICY, Phase.HUMAN: Source.HUMAN}.get(phase, Source.HOLD)
    return SetMode(phase=phase, source=source, segment=segment, episode=episode, epoch=epoch, recorded=source != Source.HOLD)


def chunk(actions: list[list[float]], *, epoch: int = 1, id: int = 0, consumed: int = 0) -> ChunkMessage:
    return ChunkMessage(
        epoch=epoch, id=id, observed_ns=0, consumed=consumed, started_ns=0, finished_ns=0, actions=actions, model=actions
    )


class Rig:
    """An engine with a robot that follows at once and a leader that is where it is put."""

    def __init__(
        self, *, interpolation: int = 2, mirrors: bool = True, bleed: float = 10.0, filters: ActionFilter | None = None
    ) -> None:
        envelope = Envelope.of([Signal(name, "deg") for name in NAMES], LIMITS, 15)
        layout = Layout(interpolation, PERIOD, (0, 1), (0, 1), mirrors, Handover(bleed))
        self.governor = Governor(envelope, PERIOD)
        self.engine = Engine(layout, self.governor, self.governor if mirrors else None, np.zeros(2), filters)
        self.robot, self.leader, self.k = np.zeros(2), np.zeros(2), -1
        self.silent = {"robot": 0.0, "leader": 0.0}
        self.lease_s, self.problem, self.stiff, self.robot_stiff = 0.0, "", True, True
        self.inputs: list[Inputs] = []
        self.decisions: list[Decision] = []

    def tick(self, *messages: SetMode | ChunkMessage | Acknowledge, skip: int = 0) -> Decision:
        self.k += 1 + skip
        leader = Sensed(self.leader.copy(), self.silent["leader"], stiff=self.stiff)
        robot = Sensed(self.robot.copy(), self.silent["robot"], self.problem, self.robot_stiff)
        self.inputs.append(Inputs(self.k, robot, leader, messages, self.lease_s))
        decision = self.engine.decide(self.inputs[-1])
        self.decisions.append(decision)
        self.robot = decision.robot.sent.copy()
        if decision.leader is not None:
            self.leader = decision.leader.sent.copy()
        return decision

    def ticks(self, count: int) -> list[Decision]:
        return [self.tick() for _ in range(count)]

    @property
    def largest_step(self) -> float:
        sent = np.array([decision.robot.sent for decision in self.decisions])
        return float(np.abs(np.diff(sent, axis=0)).max())


def ramp(length: int, slope: float = 0.5) -> list[list[float]]:
    return [[slope * step, -slope * step] for step in range(length)]


def test_holds_until_told() -> None:
    rig = Rig()
    for decision in rig.ticks(10):
        assert decision.source == Source.HOLD
        assert decision.robot.sent == pytest.approx([0, 0])
        assert decision.frame == -1


def test_a_first_chunk_starts_at_its_first_action_and_waiting_is_a_hold() -> None:
    rig = Rig()
    waiting = rig.tick(mode(Phase.AUTONOMOUS, epoch=1))
    assert (waiting.source, waiting.frame, waiting.proposed) == (Source.HOLD, 0, None)
    rig.tick()
    first = rig.tick(chunk(ramp(5)))
    assert (first.source, first.frame) == (Source.POLICY, 1)
    assert first.requested == pytest.approx([0, 0])
    assert first.proposed == pytest.approx([0, 0])


def test_commands_between_frames_are_interpolated_and_the_row_has_the_action() -> None:
    rig = Rig(interpolation=2)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[0, 0], [1, -1], [2, -2]]))
    decisions = rig.ticks(5)
    assert [decision.frame for decision in decisions] == [-1, 1, -1, 2, -1]
    assert [decision.requested[0] for decision in decisions if decision.frame >= 0] == [1, 2]
    assert [decision.robot.sent[0] for decision in decisions[1:]] == pytest.approx([0.25, 0.66, 1.32, 2.0], abs=0.4)


def test_a_late_chunk_continues_at_the_action_that_is_due() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(10)))
    rig.ticks(3)
    assert rig.tick(chunk(ramp(10), id=1, consumed=2)).requested[0] == pytest.approx(1.0)


def test_chunks_of_another_epoch_are_dropped() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=2))
    assert rig.tick(chunk(ramp(10), epoch=1)).source == Source.HOLD
    assert len(rig.engine.queue) == 0


def test_an_empty_queue_repeats_the_target_and_says_hold() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[0.2, 0]]))
    starved = rig.tick()
    assert starved.source == Source.HOLD
    assert starved.robot.sent[0] == pytest.approx(0.2, abs=0.1)


def test_takeover_of_a_mirrored_leader_is_no_step() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(30, 0.3)))
    rig.ticks(40)
    rig.leader = rig.robot + 0.8
    before = rig.decisions[-1].robot.sent
    taken = rig.tick(mode(Phase.HUMAN, epoch=1, segment=Segment.RECOVERY))
    assert taken.leader_torque is False
    assert np.abs(taken.robot.sent - before).max() < 0.01
    rig.ticks(60)
    assert rig.robot == pytest.approx(rig.leader, abs=0.01)
    assert rig.largest_step <= 180 * PERIOD


def test_a_far_leader_moves_the_robot_no_faster_than_the_offset_shrinks() -> None:
    rig = Rig(mirrors=False)
    rig.leader = np.array([60.0, 0])
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(60)
    assert rig.robot[0] == pytest.approx(10, abs=0.5)


def test_a_clutch_keeps_the_offset_and_follows_the_motion() -> None:
    rig = Rig(mirrors=False, bleed=0.0)
    rig.leader = np.array([60.0, 0])
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(30)
    assert rig.robot[0] == pytest.approx(0)
    rig.leader = np.array([63.0, 0])
    rig.ticks(30)
    assert rig.robot[0] == pytest.approx(3, abs=0.01)


def test_return_to_the_policy_starts_from_an_empty_queue() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(5)
    back = rig.tick(mode(Phase.AUTONOMOUS, epoch=2))
    assert back.source == Source.HOLD
    assert len(rig.engine.queue) == 0
    far = rig.tick(chunk([[80.0, 80.0]] * 20, epoch=2))
    rig.ticks(20)
    assert far.leader_torque is True
    assert rig.largest_step <= 180 * PERIOD * (1 + 1e-9)


def test_a_policy_has_proposed_nothing_until_it_has_answered() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(3)))
    rig.tick(mode(Phase.HUMAN, epoch=1))
    waiting = [rig.tick(mode(Phase.AUTONOMOUS, epoch=2)), *rig.ticks(3)]
    assert [decision.proposed for decision in waiting] == [None] * 4
    answered = rig.tick(chunk([[0.4, 0.4]], epoch=2))
    assert answered.proposed == pytest.approx([0.4, 0.4])


def test_the_grid_restarts_after_a_pause_and_marks_the_gap() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    rig.tick(mode(Phase.PAUSED, epoch=1))
    rig.tick()
    taken = rig.tick(mode(Phase.HUMAN, epoch=1))
    assert (taken.frame, taken.boundary) == (1, True)
    assert [(each.frame, each.boundary) for each in rig.ticks(2)] == [(-1, False), (2, False)]


def test_a_direct_takeover_keeps_the_grid() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    assert rig.tick(mode(Phase.HUMAN, epoch=1)).frame == -1
    following = rig.tick()
    assert (following.frame, following.boundary) == (1, False)


def test_a_missed_frame_is_marked() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    late = rig.tick(skip=4)
    assert (late.frame, late.boundary) == (1, True)


def test_frames_count_from_zero_in_every_episode() -> None:
    rig = Rig()
    rig.tick(mode(Phase.HUMAN, epoch=0, episode=0))
    rig.ticks(6)
    rig.tick(mode(Phase.RESET, episode=1))
    first = rig.tick(mode(Phase.HUMAN, episode=1))
    assert (first.frame, first.boundary) == (0, False)


def test_a_lost_lease_holds_until_acknowledged() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    rig.ticks(4)
    rig.lease_s = 0.07
    lost = rig.tick()
    assert "session" in lost.fault
    held = lost.robot.sent
    rig.lease_s = 0.0
    for decision in [*rig.ticks(5), rig.tick(chunk(ramp(50), id=1))]:
        assert decision.source == Source.HOLD
        assert decision.robot.sent == pytest.approx(held)
    assert rig.tick(mode(Phase.PAUSED, epoch=1), Acknowledge()).fault == ""


@pytest.mark.parametrize("role", ["robot", "leader"])
def test_short_silence_holds_and_long_silence_is_a_fault(role: str) -> None:
    rig = Rig()
    rig.leader = np.array([5.0, 5.0])
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(5)
    rig.silent[role] = STALE_S + 0.01
    quiet = rig.tick()
    assert (quiet.source, quiet.fault) == (Source.HOLD, "")
    assert not quiet.leader_torque, "a leader does not stiffen in the hand because a packet was lost"
    assert role in quiet.alarm
    rig.silent[role] = 0.0
    assert rig.tick().source == Source.HUMAN
    rig.silent[role] = LOST_S + 0.01
    lost = rig.tick()
    assert role in lost.fault
    assert lost.leader_torque


def test_a_silent_leader_does_not_matter_to_the_policy() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    rig.silent["leader"] = 10.0
    assert rig.ticks(2)[-1].source == Source.POLICY


def test_a_command_that_is_no_number_holds_and_alarms() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[0, 0], [float("nan"), 1], [0, 0]]))
    bad = rig.tick()
    assert "a.pos" in bad.alarm
    assert_held(bad)
    assert bad.proposed == pytest.approx([np.nan, 1], nan_ok=True)
    good = rig.tick()
    assert (good.source, good.alarm) == (Source.POLICY, "")
    assert good.requested == pytest.approx([0, 0])


def assert_held(decision: Decision) -> None:
    """Nobody commands in this frame, and its action is where the arm stays."""
    assert (decision.source, decision.frame >= 0) == (Source.HOLD, True)
    assert np.isfinite(decision.robot.sent).all()
    assert (decision.requested == decision.robot.sent).all()


def refuse_beyond(limit: float) -> ActionFilter:
    def judge(_: Source, target: Floats, __: Floats) -> Filtered:
        return (
            Filtered(target) if np.abs(target).max() <= limit else Filtered(None, "holding: filter lab refuses: near the table")
        )

    return judge


def test_what_a_filter_refuses_of_a_person_is_nobody_s_command() -> None:
    rig = Rig(interpolation=1, mirrors=False, filters=refuse_beyond(5))
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.leader = np.array([4.0, 0.0])
    assert rig.tick().source == Source.HUMAN
    rig.leader = np.array([8.0, 0.0])
    refused = rig.tick()
    assert "near the table" in refused.alarm
    assert_held(refused)
    rig.leader = np.array([3.0, 0.0])
    assert rig.tick().source == Source.HUMAN
    assert rig.decisions[-1].requested == pytest.approx(rig.leader)


def test_what_a_filter_refuses_of_a_policy_is_proposed_and_not_commanded() -> None:
    rig = Rig(interpolation=1, filters=refuse_beyond(5))
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[4.0, 0.0], [8.0, 0.0], [3.0, 0.0]]))
    refused = rig.tick()
    assert_held(refused)
    assert refused.proposed == pytest.approx([8, 0])
    assert rig.tick().source == Source.POLICY


def test_after_a_hold_the_next_action_is_gone_to_from_where_the_arm_is() -> None:
    asked: list[Floats] = []
    rig = Rig(interpolation=2, filters=lambda _, target, __: (asked.append(target), Filtered(target))[1])
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[0, 0], [float("nan"), 5], [2, 2]]))
    rig.ticks(3)
    asked.clear()
    assert rig.tick().source == Source.POLICY
    assert asked == [pytest.approx([1, 1])]


def test_what_a_filter_refuses_of_an_approach_is_no_approach() -> None:
    rig = Rig(interpolation=1, filters=refuse_beyond(5))
    assert_held(rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[20.0, 0.0]])))


def test_what_a_filter_changes_stays_the_command_of_its_source() -> None:
    rig = Rig(interpolation=1, filters=lambda _, target, __: Filtered(np.clip(target, -1, 1)))
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[4.0, 0.0], [5.0, 0.0]]))
    changed = rig.tick()
    assert changed.source == Source.POLICY
    assert changed.requested == pytest.approx([5, 0])


def test_the_leader_mirrors_whenever_it_does_not_lead() -> None:
    rig = Rig()
    rig.leader = np.array([30.0, -30.0])
    for decision in rig.ticks(90):
        assert decision.leader_torque
        assert decision.leader is not None
    assert rig.leader == pytest.approx([0, 0], abs=0.5)
    leads = rig.tick(mode(Phase.HUMAN, epoch=1))
    assert leads.leader is None


def test_a_leader_that_is_far_comes_slowly_and_then_follows_fast() -> None:
    rig = Rig()
    rig.leader = np.array([60.0, 0.0])
    rig.ticks(60)
    assert rig.leader[0] == pytest.approx(30, abs=1)
    rig.ticks(90)
    assert rig.leader[0] == pytest.approx(0, abs=0.1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(40, 2.0)))
    rig.ticks(60)
    assert rig.leader[0] > 50


def test_a_policy_that_starts_far_away_is_approached_slowly_and_by_name() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[60.0, 0.0], [61.0, 0.0]]))
    going = rig.ticks(30)[-1]
    assert going.source == Source.RAMP
    assert "a.pos is" in going.alarm
    assert rig.largest_step <= 30 * PERIOD + 1e-9
    rig.ticks(120)
    assert rig.decisions[-1].requested[0] == 61
    assert rig.robot[0] == pytest.approx(61, abs=0.01)


def test_a_pause_ends_the_approach() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[60.0, 0.0]]))
    rig.ticks(10)
    held = rig.tick(mode(Phase.PAUSED, epoch=1))
    assert held.source == Source.HOLD
    assert np.abs(np.diff([each.robot.sent[0] for each in rig.ticks(5)])).max() == 0


def test_a_leader_that_should_have_mirrored_but_is_far_does_not_draw_the_robot() -> None:
    rig = Rig()
    rig.leader = np.array([79.0, 0.0])
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(180)
    assert rig.robot[0] == pytest.approx(0)


def test_a_limp_leader_starts_to_mirror_where_it_is() -> None:
    rig = Rig()
    rig.ticks(5)
    rig.stiff = False
    rig.leader = np.array([79.0, 0.0])
    assert rig.tick().leader is None
    rig.stiff = True
    assert rig.tick().leader.sent[0] == pytest.approx(79, abs=0.5)  # type: ignore[union-attr]


def test_what_is_wrong_with_the_robot_holds_until_the_operator_has_looked() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50)))
    rig.problem = "has lost its torque"
    assert "lost its torque" in rig.tick().fault
    rig.problem = ""
    assert rig.ticks(3)[-1].source == Source.HOLD
    rig.robot = np.array([-40.0, 0.0])
    back = rig.tick(Acknowledge(), mode(Phase.PAUSED, epoch=1))
    assert back.fault == ""
    assert back.robot.sent[0] == pytest.approx(-40)


@pytest.mark.parametrize("row", [[1.0], [1.0, 2.0, 3.0], []])
def test_actions_of_another_length_hold_and_are_told_of(row: list[float]) -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[0.5, 0.5]]))
    held = rig.tick(chunk([[0.5, 0.5], row], id=1))
    assert held.source == Source.HOLD
    assert f"{len(row)} numbers for 2 channels" in held.alarm
    assert rig.tick(chunk(ramp(5), id=2, consumed=1)).alarm == ""


def test_a_recording_does_not_go_on_with_the_actions_of_a_policy() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(20)))
    rig.ticks(4)
    replay = structs.replace(mode(Phase.AUTONOMOUS, epoch=1), source=Source.REPLAY)
    assert [decision.source for decision in (rig.tick(replay), *rig.ticks(4))] == [Source.HOLD] * 5
    rig.tick(chunk(ramp(20)))
    assert rig.tick().source == Source.REPLAY


def test_an_epoch_that_nobody_announced_is_not_in_force() -> None:
    rig = Rig()
    assert rig.tick(mode(Phase.AUTONOMOUS, epoch=0), chunk(ramp(5), epoch=-1)).proposed is None


def test_what_cannot_be_sent_is_not_commanded() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(50, 3.0)))
    moving = rig.ticks(5)[-1]
    rig.robot_stiff = False
    for decision in rig.ticks(20):
        assert (decision.robot.sent == moving.robot.sent).all()
        assert "waiting for the robot" in decision.alarm
    rig.robot_stiff = True
    rig.ticks(5)
    assert rig.largest_step <= 180 * PERIOD * (1 + 1e-9)
    assert rig.robot[0] > moving.robot.sent[0]


def test_nobody_acknowledges_a_robot_that_is_still_silent() -> None:
    rig = Rig()
    rig.ticks(3)
    rig.silent["robot"] = LOST_S + 0.1
    rig.tick()
    rig.robot = np.array([12.0, 0.0])
    refused = rig.tick(Acknowledge())
    assert "robot" in refused.fault
    assert refused.robot.sent == pytest.approx([0, 0])
    rig.silent["robot"] = 0.0
    rig.robot = np.array([12.0, 0.0])
    assert rig.tick(Acknowledge()).robot.sent == pytest.approx([12, 0])


def test_a_robot_that_falls_while_something_else_is_wrong_is_held_where_it_fell() -> None:
    rig = Rig()
    rig.lease_s = 0.07
    assert "session" in rig.tick().fault
    rig.lease_s, rig.problem, rig.robot_stiff = 0.0, "has lost its torque", False
    rig.tick()
    assert rig.engine.gone
    rig.problem, rig.robot_stiff = "", True
    rig.robot = np.array([-40.0, 0.0])
    assert rig.tick(Acknowledge()).robot.sent == pytest.approx([-40, 0])


def test_an_approach_ends_at_the_joint_limit() -> None:
    rig = Rig(interpolation=1)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[140.0, 0.0], [50.0, 0.0]]))
    rig.ticks(300)
    assert rig.decisions[-1].source == Source.HOLD
    assert rig.robot[0] == pytest.approx(50, abs=0.1)


def test_an_approach_ends_where_a_filter_ends_it() -> None:
    rig = Rig(interpolation=1, filters=lambda _, target, __: Filtered(np.clip(target, -20, 20)))
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[60.0, 0.0], [5.0, 0.0]]))
    rig.ticks(120)
    assert rig.robot[0] == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), 1e308])
def test_a_first_action_that_leads_nowhere_does_not_keep_the_next_from_its_turn(bad: float) -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk([[bad, 0.0], [2.0, 0.0], [2.0, 0.0]]))
    rig.ticks(300)
    assert rig.robot[0] == pytest.approx(2, abs=0.1)


def test_the_same_inputs_give_the_same_decisions() -> None:
    rig = Rig()
    rig.tick(mode(Phase.AUTONOMOUS, epoch=1), chunk(ramp(9)))
    rig.ticks(12)
    rig.leader = rig.leader + 2
    rig.tick(mode(Phase.HUMAN, epoch=1))
    rig.ticks(12)
    rig.tick(mode(Phase.AUTONOMOUS, epoch=2))
    rig.tick(chunk(ramp(9), epoch=2, id=1))
    rig.ticks(12)
    again = Rig().engine
    for inputs, decision in zip(rig.inputs, rig.decisions, strict=True):
        replayed = again.decide(evolve(inputs))
        assert (replayed.robot.sent == decision.robot.sent).all()
        assert (replayed.requested == decision.requested).all()
        assert (replayed.source, replayed.frame, replayed.alarm) == (decision.source, decision.frame, decision.alarm)
