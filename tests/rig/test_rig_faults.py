"""What the rig does when its arms fail: the real process and drivers, emulated servos."""

import itertools
import math

import pytest

from hilt.ipc.messages import Acknowledge, Phase, ReleaseTorque, SetMode, Source, StatusState, Tick, decode
from hilt.ipc.ring import RingReader
from hilt.ipc.rundir import TICK


def test_a_robot_that_lost_its_power_is_limp_says_so_and_is_held_only_when_somebody_has_looked(session) -> None:
    assert session.robot.torque == {1}
    session.mode(Phase.AUTONOMOUS)
    session.until(lambda: session.tick().phase == Phase.AUTONOMOUS)
    session.robot.cut_power()
    session.until(lambda: session.tick().alarm != "" or session.tick().fault != "")
    session.robot.restore_power()
    session.until(lambda: "torque" in session.tick().fault)
    assert session.robot.torque == {0}
    session.look()
    assert session.robot.torque == {1}


def test_a_robot_that_was_unplugged_needs_a_look_however_short_it_was(session) -> None:
    session.mode(Phase.AUTONOMOUS)
    session.robot.bus.unplug()
    session.until(lambda: "robot" in session.tick().fault)
    session.robot.bus.replug()
    session.until(lambda: any(status.state == StatusState.BACK for status in session.statuses()))
    assert session.tick().fault
    session.tell(Acknowledge())
    session.until(lambda: session.tick().fault == "")


def test_a_leader_without_power_stops_no_command_and_mirrors_again_from_where_it_fell(session) -> None:
    session.until(lambda: session.leader.torque == {1})
    session.leader.cut_power()
    first = session.tick().k
    session.until(lambda: session.tick().k > first + 120)
    assert session.tick().fault == ""
    session.leader.plant.push(1, 2700)
    session.leader.restore_power()
    session.until(lambda: session.leader.torque == {1})
    farthest = max(
        abs(session.leader.chain.servos[1].get("Goal_Position") - session.leader.plant.position(1)) for _ in range(200)
    )
    assert farthest < 300


def test_takeover_releases_the_leader_and_the_return_stiffens_it(session) -> None:
    session.until(lambda: session.leader.torque == {1})
    session.mode(Phase.HUMAN)
    session.until(lambda: session.leader.torque == {0} and session.tick().source == Source.HUMAN)
    session.mode(Phase.PAUSED)
    session.until(lambda: session.leader.torque == {1})


def test_a_robot_that_cannot_be_held_says_so_each_time_and_is_heard_of_again_when_it_comes_back(session) -> None:
    """Far outside its range a joint is not switched on; whoever acknowledges all the same is told again."""

    def told(state: StatusState) -> int:
        return sum(status.device == "robot" and status.state == state for status in session.statuses())

    session.robot.cut_power()
    session.until(lambda: session.tick().fault != "")
    session.robot.restore_power()
    session.robot.plant.push(1, 200)
    session.until(lambda: "torque" in session.tick().problem and all(session.tick().fresh))
    for times in (1, 2):
        session.tell(Acknowledge())
        session.until(lambda times=times: told(StatusState.REFUSED) == times)
    session.robot.bus.unplug()
    session.until(lambda: told(StatusState.LOST) == 1)
    session.robot.bus.replug()
    session.until(lambda: told(StatusState.BACK) == 1)


def test_a_joint_of_the_robot_that_is_silent_does_not_silence_the_leader(session) -> None:
    session.robot.chain.faults.dead = {6}

    def leader_is_heard_beside_it() -> bool:
        beside = [tick.leader_fresh for tick in session.ticks(60) if max(tick.ages_ns) > 500_000_000]
        return sum(beside) > 20

    session.until(leader_is_heard_beside_it)


def test_damaged_packets_are_old_values_and_nothing_else(session) -> None:
    """With one packet in five damaged, for seconds: the tick goes on, nothing holds, nothing is told."""
    session.take_over()
    for arm in (session.robot, session.leader):
        arm.chain.faults.corrupt = 0.2
    ticks = session.ticks(180)
    assert {tick.fault for tick in ticks} == {""}
    assert {tick.source for tick in ticks} <= {Source.HUMAN, Source.HOLD}
    assert session.told(StatusState.LOST, StatusState.FAILED) == []
    for tick in ticks:
        ages = dict(zip(tick.fresh, tick.ages_ns, strict=True))  # one of each, for all that were read together are of one age
        assert ages.get(True, 0) < ages.get(False, math.inf)
    assert not all(all(tick.fresh) for tick in ticks)


def test_a_bus_that_is_silent_for_a_while_holds_and_goes_on_by_itself(session) -> None:
    session.take_over()
    session.robot.chain.faults.cut = True
    session.until(lambda: session.tick().source == Source.HOLD)
    assert session.tick().alarm == "holding: waiting for the robot"
    assert max(session.tick().ages_ns) > 100_000_000
    session.robot.chain.faults.cut = False
    session.until(lambda: session.tick().source == Source.HUMAN)
    assert session.tick().fault == ""
    assert session.robot.torque == {1}


def test_after_a_silence_the_robot_comes_back_to_where_it_is_commanded_within_its_limits(session) -> None:
    """Pushed aside while the bus was away, it is not thrown back: the first commands start from where it is."""
    session.take_over()
    session.robot.chain.faults.cut = True
    session.until(lambda: session.tick().source == Source.HOLD)
    session.robot.plant.push(1, 2500)
    session.robot.chain.faults.cut = False
    ticks = session.ticks(90)
    steps = [abs(after.sent[0] - before.sent[0]) for before, after in itertools.pairwise(ticks)]
    assert max(steps) <= 180 / 60 + 1e-6
    assert session.tick().fault == ""


def test_one_motor_that_restarts_is_noticed_and_the_others_hold(session) -> None:
    session.mode(Phase.AUTONOMOUS)
    elbow = session.robot.chain.servos[3]
    elbow.power_up()
    elbow.drive(session.robot.plant)
    session.until(lambda: "no torque any more on elbow_flex:" in session.tick().fault)
    assert {servo.get("Torque_Enable") for id, servo in session.robot.chain.servos.items() if id != 3} == {1}
    session.until(lambda: bool(session.told(StatusState.BACK)))
    session.look()
    assert session.robot.torque == {1}


def test_a_motor_that_is_too_hot_is_limp_and_the_arm_is_held_only_when_it_has_cooled(session) -> None:
    session.mode(Phase.AUTONOMOUS)
    heat = session.robot.chain.faults.hot
    heat[3] = 76
    session.until(lambda: "too hot, and limp: elbow_flex: support the arm" in session.tick().fault)
    heat[3] = 40
    session.until(lambda: bool(session.told(StatusState.BACK)))
    assert session.tick().fault
    session.look()
    assert session.robot.torque == {1}
    assert len(session.told(StatusState.LOST)) == 1


def test_what_a_motor_reports_is_told_by_its_name_and_stops_nothing(session) -> None:
    session.mode(Phase.AUTONOMOUS)
    session.robot.chain.faults.overloaded.add(2)
    session.robot.chain.faults.hot[4] = 62
    session.until(lambda: len(session.told(StatusState.WARNS)) == 2)
    assert {text.split(" (")[0].split(",")[0] for text in session.told(StatusState.WARNS)} == {
        "shoulder_lift: overload",
        "wrist_flex: hot",
    }
    assert session.tick().fault == ""
    assert session.robot.torque == {1}


def test_a_bus_that_was_silent_for_long_goes_on_only_when_somebody_has_looked(session) -> None:
    session.take_over()
    session.robot.chain.faults.cut = True
    session.until(lambda: session.tick().fault == "holding: the robot does not answer")
    session.robot.chain.faults.cut = False
    session.until(lambda: all(session.tick().fresh))
    assert session.tick().fault
    session.look()
    assert session.robot.torque == {1}


def fall(session) -> None:
    """The robot loses its power, falls, and answers again without torque."""
    session.robot.cut_power()
    session.until(lambda: session.tick().alarm != "" or session.tick().fault != "")
    session.robot.restore_power()
    session.robot.plant.push(2, 1500)
    session.until(lambda: "torque" in session.tick().problem and all(session.tick().fresh))
    session.mode(Phase.FAULT)
    session.until(lambda: session.tick().phase == Phase.FAULT)


def drained(ring: RingReader) -> list[Tick]:
    return [tick for packed in ring.drain() if isinstance(tick := decode(packed), Tick)]


def test_an_acknowledgement_counts_from_when_the_robot_is_held_and_read_anew_and_before_what_was_said_after_it(session) -> None:
    fall(session)
    ring = RingReader(session.folder / TICK)
    session.tell(Acknowledge())
    session.mode(Phase.PAUSED)
    session.until(lambda: session.tick().phase == Phase.PAUSED)
    session.ticks(3)
    ticks = drained(ring)
    first = next(at for at, tick in enumerate(ticks) if tick.phase == Phase.PAUSED)
    assert [type(message) for message in ticks[first].inputs] == [Acknowledge, SetMode]
    assert {(tick.fault != "", tick.robot_stiff, tick.phase) for tick in ticks[:first]} == {(True, False, Phase.FAULT)}
    assert {(tick.fault, tick.robot_stiff) for tick in ticks[first:]} == {("", True)}
    assert ticks[first + 1].sent == pytest.approx(ticks[first].measured, abs=1)
    assert session.robot.torque == {1}


def test_the_rig_ticks_on_while_a_robot_is_held_that_does_not_become_stiff(session) -> None:
    fall(session)
    session.robot.servos[3].stuck = True
    ring = RingReader(session.folder / TICK)
    for _ in range(2):
        session.tell(Acknowledge())
        session.mode(Phase.PAUSED)
    session.until(lambda: session.tick().phase == Phase.PAUSED)
    ticks = drained(ring)
    assert sum(tick.phase == Phase.FAULT for tick in ticks) > 5
    assert all(tick.fault and not tick.robot_stiff for tick in ticks)
    assert not any(isinstance(message, Acknowledge) for tick in ticks for message in tick.inputs)
    (why,) = session.told(StatusState.LOST)
    assert "Torque_Enable not taken by" in why
    session.robot.servos[3].stuck = False
    session.until(lambda: bool(session.told(StatusState.BACK)))
    session.until(lambda: all(session.tick().fresh))
    session.look()
    assert session.robot.torque == {1}


def test_released_is_told_when_all_motors_say_so(session) -> None:
    session.until(lambda: session.leader.torque == {1})
    session.tell(ReleaseTorque())
    session.until(lambda: session.told(StatusState.RELEASED) == [""])
    assert session.robot.torque == session.leader.torque == {0}


@pytest.mark.parametrize("role", ["robot", "leader"])
def test_a_motor_that_keeps_its_torque_is_told_and_not_that_it_was_released(session, role: str) -> None:
    session.until(lambda: session.leader.torque == {1})
    arms = {"robot": session.robot, "leader": session.leader}
    arms.pop(role).servos[3].stuck = True
    session.tell(ReleaseTorque())
    session.until(lambda: bool(session.told(StatusState.REFUSED)))
    (why,) = session.told(StatusState.REFUSED)
    assert why.startswith(f"the {role} may still be stiff: so101_")
    assert "elbow_flex" in why
    assert session.told(StatusState.RELEASED) == []
    assert [other.torque for other in arms.values()] == [{0}]


@pytest.mark.parametrize("session", [5, 10], indirect=True)
def test_at_low_rates_a_tick_is_no_silence_and_a_silence_is_one(session) -> None:
    session.take_over()
    ticks = session.ticks(10)
    assert {(tick.source, tick.alarm, tick.fault, tick.robot_stiff) for tick in ticks} == {(Source.HUMAN, "", "", True)}
    session.robot.chain.faults.cut = True
    session.until(lambda: session.tick().alarm == "holding: waiting for the robot")
    session.robot.chain.faults.cut = False
    session.until(lambda: session.tick().source == Source.HUMAN)
    fall(session)
    session.look()
    assert session.robot.torque == {1}
