"""`hilt setup-motors` and `hilt calibrate`, typed at in a terminal by somebody with a bag of servos."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_bag import MIDDLES, RANGES, NewArm, calibrated, flags, new_arms, plug_in, swept, terminal, told
from e2e_session import run, until

from hilt_motor_feetech.emulator import EmulatedServo, ServoChain
from hilt_robot_so.motors import JOINTS, MOTORS

REGISTERS = {"homing_offset": "Homing_Offset", "range_min": "Min_Position_Limit", "range_max": "Max_Position_Limit"}


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[NewArm]:
    with new_arms(tmp_path, "follower") as (arm,):
        yield arm


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[NewArm]]:
    """A follower and a leader, calibrated."""
    with new_arms(tmp_path, "follower", "leader") as arms:
        for arm, id in zip(arms, ("black", "blue"), strict=True):
            arm.number()
            arm.calibrate(tmp_path / f"{id}.json")
        yield arms


def file_of(arm: NewArm, id: str = "black") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(arm.port).parent / f"{id}.json").read_text())
    return content


def power_cycle(arm: NewArm) -> None:
    for servo in arm.servos.values():
        servo.power_up()


def stiffen(arm: NewArm) -> None:
    for servo in arm.servos.values():
        servo.set("Torque_Enable", 1)


def torque(arm: NewArm) -> set[int]:
    return {servo.get("Torque_Enable") for servo in arm.servos.values()}


def assert_kept_for_good(arm: NewArm, id: str = "black") -> None:
    """File and motors say the same, also after the power was off."""
    power_cycle(arm)
    for joint, entry in file_of(arm, id).items():
        servo = arm.servos[joint]
        assert entry["id"] == servo.id == MOTORS[joint].id
        assert {name: entry[name] for name in REGISTERS} == {name: servo.get(each) for name, each in REGISTERS.items()}


def untouched(arm: NewArm) -> bool:
    saved = [(servo.get("Homing_Offset"), servo.get("Max_Position_Limit")) for servo in arm.servos.values()]
    return saved == [(0, 4095)] * len(JOINTS)


def test_motors_get_their_ids_one_by_one(arm: NewArm) -> None:
    with terminal("setup-motors", *flags(arm)) as screen:
        for number, joint in enumerate(reversed(JOINTS), start=1):
            screen.expect(f"^{number} of 6: {joint}$")
            plug_in(screen, arm, joint)
        screen.expect("shoulder_pan is set up already: nothing written")  # 1 is what the factory gives
        arm.chain_up()
        screen.expect("check them together")
        screen.expect(" > ")
        screen.press("enter")
        screen.expect("All 6 answer")
        screen.expect("hilt calibrate --robot.type=so101_follower")
        assert screen.ended() == 0
    power_cycle(arm)
    assert {joint: servo.id for joint, servo in arm.servos.items()} == {joint: motor.id for joint, motor in MOTORS.items()}


def test_set_up_goes_on_where_it_was_left(arm: NewArm) -> None:
    with terminal("setup-motors", *flags(arm)) as screen:
        plug_in(screen, arm, "gripper")
        plug_in(screen, arm, "wrist_roll")
        screen.expect("3 of 6: wrist_flex")
        screen.expect("q: stop here > ")
        screen.press("ctrl-c")
        told(screen, "interrupted: set up and kept: gripper, wrist_roll; run the same command again")
        assert screen.ended() == 130
    with terminal("setup-motors", *flags(arm)) as screen:
        plug_in(screen, arm, "gripper")
        screen.expect("found: id 6, 1 Mbit/s")
        screen.expect("gripper is set up already: nothing written")
        screen.expect("q: stop here > ")
        screen.press("s")
        screen.press("enter")
        screen.expect("3 of 6: wrist_flex")
        plug_in(screen, arm, "wrist_flex")
        screen.expect("wrist_flex is set up, and was read back")
    assert [arm.servos[joint].id for joint in JOINTS] == [1, 1, 1, 4, 5, 6]


def test_motors_that_all_answer_are_not_asked_for(arm: NewArm) -> None:
    arm.number()
    with terminal("setup-motors", *flags(arm)) as screen:
        screen.expect("All of them answer as what they are")
        assert screen.ended() == 0


def test_nothing_is_written_to_the_wrong_motor(arm: NewArm) -> None:
    arm.servos["wrist_flex"].set("ID", 3)
    arm.servos["shoulder_pan"].set("Firmware_Minor_Version", 9)
    with terminal("setup-motors", *flags(arm)) as screen:
        plug_in(screen, arm, "gripper")
        plug_in(screen, arm, "gripper")
        told(screen, "This is gripper, done before: unplug it, and plug in the motor of wrist_roll")
        plug_in(screen, arm, "gripper", "wrist_roll")
        told(screen, "2 motors answer, with the ids 1 (new, or shoulder_pan), 6 (gripper); leave only wrist_roll")
        plug_in(screen, arm, "wrist_roll", "shoulder_pan")
        told(screen, "several motors with the same id")
        plug_in(screen, arm, "wrist_flex")
        told(screen, "This motor is set up as elbow_flex. Is it to become wrist_roll?")
        screen.press("enter")
        plug_in(screen, arm, "shoulder_pan")
        told(screen, "Its firmware is 3.9, others have 3.10")
    assert arm.servos["wrist_flex"].id == 3
    assert arm.servos["shoulder_pan"].id == 5
    assert arm.servos["wrist_roll"].id == 1


@pytest.mark.parametrize(
    ("register", "value", "said"),
    [
        ("Max_Voltage_Limit", 80, "the supply gives 12.0 V, and this motor takes 4.0 to 8.0 V. Unplug it"),
        ("Min_Voltage_Limit", 130, "the supply gives 12.0 V, and this motor needs 13.0 to 14.0 V"),
        ("Model_Number", 1284, "this motor is of model 1284"),
    ],
)
def test_a_script_is_refused_a_wrong_motor(arm: NewArm, register: str, value: int, said: str) -> None:
    arm.servos["gripper"].set(register, value)
    arm.plug("gripper")
    ran = run(["setup-motors", *flags(arm), "--motor=gripper", "--yes"])
    assert ran.returncode == 2
    assert said in ran.stderr
    assert arm.servos["gripper"].id == 1


def test_a_script_sets_up_one_motor(arm: NewArm) -> None:
    arm.servos["gripper"].set("Baud_Rate", 1)
    arm.plug("gripper")
    command = ["setup-motors", *flags(arm), "--motor=gripper", "--yes"]
    first, again, other = run(command), run(command), run([*command[:-2], "--motor=wrist_roll", "--yes"])
    assert (first.returncode, first.stdout) == (
        0,
        "gripper: was id 1, 500 kbit/s, firmware 3.10, 12.0 V; set up, and read back\n",
    )
    assert "set up already, nothing written" in again.stdout
    assert other.returncode == 2
    assert "the motor that is plugged in is set up as gripper" in other.stderr
    assert (arm.servos["gripper"].id, arm.servos["gripper"].get("Baud_Rate")) == (6, 0)


def test_a_sweep_across_the_end_of_the_encoders_turn(arm: NewArm) -> None:
    """shoulder_pan, elbow_flex and wrist_roll lie across it; shoulder_pan starts beyond."""
    arm.number()
    arm.plant.push(1, MIDDLES["shoulder_pan"] + 600)
    with terminal("calibrate", *flags(arm)) as screen:
        calibrated(screen, arm)
        assert screen.ended() == 0
    content = file_of(arm)
    for joint, entry in content.items():
        assert entry["homing_offset"] == pytest.approx(_offset(joint), abs=2)
        half = 2047.5 if joint == "wrist_roll" else RANGES[joint] / 2
        assert (entry["range_min"], entry["range_max"]) == (pytest.approx(2047 - half, abs=2), pytest.approx(2047 + half, abs=2))
    assert_kept_for_good(arm)


def _offset(joint: str) -> int:
    """With which the middle of the range is reported as 2047, in the range of the register."""
    return (MIDDLES[joint] - 2047 + 2048) % 4096 - 2048


def test_a_joint_that_does_not_move_is_told(arm: NewArm) -> None:
    arm.number()
    with terminal("calibrate", *flags(arm)) as screen:
        swept(screen, arm, "elbow_flex")
        screen.press("enter")
        told(screen, "elbow_flex has moved by 0.0 deg only: move it to both ends")
        arm.plant.lead(3, MIDDLES["elbow_flex"] + 500)
        until(lambda: not arm.plant.moving, "elbow_flex has moved a little")
        screen.press("enter")
        told(screen, "Not to both ends? elbow_flex: 44 of about 194 deg")
        screen.press("ctrl-c")
        told(screen, "interrupted: nothing was written")
        assert screen.ended() == 130
    assert untouched(arm)
    assert not (Path(arm.port).parent / "black.json").exists()


def test_a_stiff_arm_is_let_go_only_when_somebody_holds_it(arm: NewArm) -> None:
    arm.number()
    stiffen(arm)
    with terminal("calibrate", *flags(arm)) as screen:
        screen.expect("WHAT IT HOLDS UP FALLS")
        screen.expect("I hold it")
        assert torque(arm) == {1}
        screen.press("enter")
        screen.expect("q: give up")
        screen.press("q")
        told(screen, "Given up: nothing was written; so101_follower 'black' is limp")
        assert screen.ended() == 1
    assert torque(arm) == {0}
    assert untouched(arm)


def test_a_key_that_was_pressed_too_early_lets_no_arm_fall(arm: NewArm) -> None:
    arm.number()
    stiffen(arm)
    with terminal("calibrate", *flags(arm)) as screen:
        screen.press("enter")
        screen.expect("I hold it, let it go > ")
        screen.press("ctrl-c")
        told(screen, "interrupted: nothing was written, and no torque was switched")
        assert screen.ended() == 130
    assert torque(arm) == {1}


def test_an_arm_that_has_what_is_in_the_file_is_not_let_go_for_it(arm: NewArm) -> None:
    arm.number()
    stiffen(arm)
    with terminal("calibrate", *flags(arm), "--mode=file") as screen:
        told(screen, "black.json: there is no such file; --mode=sweep makes it")
        assert screen.ended() == 2
    arm.calibrate(Path(arm.port).parent / "black.json")
    stiffen(arm)
    with terminal("calibrate", *flags(arm), "--mode=file") as screen:
        screen.expect("It is calibrated")
        assert screen.ended() == 0
    assert torque(arm) == {1}


def test_power_lost_in_a_sweep(arm: NewArm) -> None:
    arm.number()
    with terminal("calibrate", *flags(arm)) as screen:
        swept(screen, arm)
        arm.bus.chain.faults.cut = True
        screen.expect("no answer from shoulder_pan, .*")
        told(screen, "nothing was written")
        assert screen.ended() == 1
    assert untouched(arm)


class LosesPower(EmulatedServo):
    """Goes dark, with all others, when its homing offset is to be kept."""

    chain: ServoChain

    def store(self, address: int, data: bytes) -> None:
        if address == 31:
            self.chain.faults.cut = True
        else:
            super().store(address, data)


def test_power_lost_while_the_motors_are_written(arm: NewArm) -> None:
    whole = arm.servos["wrist_flex"]
    arm.servos["wrist_flex"] = dark = LosesPower(1)
    arm.number()
    dark.chain = arm.bus.chain
    with terminal("calibrate", *flags(arm)) as screen:
        swept(screen, arm)
        screen.press("enter")
        screen.expect("turn wrist_roll half way")
        screen.press("enter")
        told(screen, "the calibration file is complete, the motors do not have all of it yet")
        screen.expect("hilt calibrate --robot.type=so101_follower")
        assert screen.ended() == 1
    arm.servos["wrist_flex"] = whole
    arm.number()
    power_cycle(arm)
    with terminal("calibrate", *flags(arm)) as screen:
        screen.expect("do not agree")
        screen.expect(r"wrist_flex\.homing_offset: 10\d\d in the file, 0 in the motor")
        screen.expect("f: put the file into the motors")
        screen.press("f")
        screen.press("enter")
        told(screen, "written to wrist_flex, wrist_roll, gripper; all 6 read back")
        assert screen.ended() == 0
    assert_kept_for_good(arm)


def test_a_calibration_that_is_there_is_kept_unless_another_is_asked_for(arm: NewArm) -> None:
    arm.number()
    with terminal("calibrate", *flags(arm)) as screen:
        calibrated(screen, arm)
        assert screen.ended() == 0
    first, folder = file_of(arm), Path(arm.port).parent
    with terminal("calibrate", *flags(arm)) as screen:
        screen.expect("It is calibrated")
        screen.expect("keep it")
        screen.press("enter")
        assert screen.ended() == 0
    assert file_of(arm) == first
    assert not list(folder.glob("black.json.*"))
    arm.middles["gripper"] += 100
    with terminal("calibrate", *flags(arm), "--mode=sweep") as screen:
        calibrated(screen, arm)
        told(screen, "the old file: ")
        told(screen, "written to")
        assert screen.ended() == 0
    (old,) = folder.glob("black.json.*")
    assert json.loads(old.read_text()) == first
    assert file_of(arm)["gripper"]["homing_offset"] - first["gripper"]["homing_offset"] == pytest.approx(100, abs=2)
    assert_kept_for_good(arm)


def test_without_a_terminal_nothing_is_begun(arm: NewArm) -> None:
    ran = run(["calibrate", *flags(arm)])
    assert ran.returncode == 2
    assert "run it in a terminal" in ran.stderr


def test_arms_that_have_changed_ports_are_told_as_such(pair: list[NewArm], tmp_path: Path) -> None:
    files = {id: (tmp_path / f"{id}.json").read_text() for id in ("black", "blue")}
    follower, leader = pair
    offset = follower.bus.chain.servos[1].get("Homing_Offset")
    follower.port, leader.port = leader.port, follower.port
    with terminal("teleoperate", *flags(follower), *flags(leader, "teleop")) as screen:
        told(screen, f"the motors on {follower.port} are those of {tmp_path}/blue.json, not of {tmp_path}/black.json")
        told(screen, "two arms have changed ports")
        told(screen, f"the motors on {leader.port} are those of {tmp_path}/black.json, not of {tmp_path}/blue.json")
        assert screen.ended() == 2
    for mode in ("ask", "sweep", "file"):
        with terminal("calibrate", *flags(follower), f"--mode={mode}") as screen:
            told(screen, "another arm is on this port, and needs no calibration")
            told(screen, "Nothing was written")
            assert screen.ended() == 1
    assert all((tmp_path / f"{id}.json").read_text() == text for id, text in files.items())
    assert follower.bus.chain.servos[1].get("Homing_Offset") == offset


def test_an_arm_that_goes_silent_is_not_compared_by_what_it_said_before(pair: list[NewArm]) -> None:
    follower, leader = pair
    with terminal("calibrate", *flags(follower), *flags(leader, "teleop"), "--mode=check") as screen:
        screen.expect(r"elbow_flex\.pos +0\.0 deg +0\.0 deg +0\.0 deg +agrees")
        leader.bus.chain.faults.cut = True
        screen.expect(r"elbow_flex\.pos +- +0\.0 deg +- +no answer")
        screen.press("enter")
        leader.bus.unplug()
        told(screen, "connection lost")
        assert screen.ended() != 0


def test_arms_that_do_not_agree_are_told_joint_by_joint(pair: list[NewArm]) -> None:
    follower, leader = pair
    leader.middles["elbow_flex"] += 200
    leader.pose()
    with terminal("calibrate", *flags(follower), *flags(leader, "teleop"), "--mode=check") as screen:
        told(screen, "Lay both into the same pose")
        until(lambda: not leader.plant.moving, "the leader lies there", screen=screen)
        screen.expect(r"elbow_flex\.pos +17\.6 deg +0\.0 deg +17\.6 deg +differs")
        screen.press("enter")
        told(screen, "elbow_flex.pos (17.6 deg): if both arms are in the same pose there")
        screen.expect("hilt calibrate --mode=sweep --teleop.type=so101_leader")
        told(screen, "If they were not in the same pose, compare them again:")
        screen.expect("hilt calibrate --mode=check --robot.type=so101_follower")
        assert screen.ended() == 1
    both = [*flags(follower), *flags(leader, "teleop")]
    with terminal("teleoperate", *both) as screen:
        told(screen, "leader and robot were compared, and do not agree")
        told(screen, "elbow_flex.pos (17.6 deg)")
        assert screen.ended() == 2
    ran = run(["doctor", *both])
    assert ran.returncode == 1
    assert "leader and robot: compared" in ran.stdout
    leader.pose(elbow_flex=-200 / RANGES["elbow_flex"])
    with terminal("calibrate", *both, "--mode=check") as screen:
        told(screen, "Lay both into the same pose")
        until(lambda: not leader.plant.moving, "the leader lies as the follower does", screen=screen)
        screen.expect(r"elbow_flex\.pos +0\.0 deg +0\.0 deg +0\.0 deg +agrees")
        screen.press("enter")
        told(screen, "Leader and robot agree on every joint")
        assert screen.ended() == 0
    with terminal("teleoperate", *both) as screen:
        screen.phase("ready")
        assert screen.leave() == 0
