"""Setting up new motors, and telling what is wrong with old ones."""

import pytest

from hilt_hooks import ConnectError, DeviceLost
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.diagnosis import diagnose
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serving
from hilt_motor_feetech.setup import find, set_up

ARM = {"pan": Motor(1), "lift": Motor(2), "gripper": Motor(6)}


def chain(*servos: EmulatedServo) -> PtyBus:
    return PtyBus(ServoChain(servos, FirstOrderPlant()))


@pytest.mark.parametrize("baud_code", [0, 1, 4, 7])
@pytest.mark.parametrize("id", [1, 6, 200])
def test_the_only_motor_gets_its_id_and_baud_rate_for_good(id: int, baud_code: int) -> None:
    servo = EmulatedServo(id, registers={"Baud_Rate": baud_code})
    bus = chain(servo)
    with serving(bus):
        set_up(bus.port, "gripper", ARM["gripper"], ARM)
    servo.power_up()
    assert (servo.id, servo.get("Baud_Rate")) == (6, 0)


def test_several_motors_are_refused() -> None:
    bus = chain(EmulatedServo(1), EmulatedServo(2))
    with (
        serving(bus),
        pytest.raises(ConnectError, match=r"2 motors answer, with the ids 1 \(new, or pan\), 2 \(lift\); leave only gripper"),
    ):
        set_up(bus.port, "gripper", ARM["gripper"], ARM)
    assert set(bus.chain.servos) == {1, 2}


def test_a_second_motor_at_another_rate_is_noticed() -> None:
    bus = chain(EmulatedServo(1), EmulatedServo(6, registers={"Baud_Rate": 4}))
    with serving(bus), pytest.raises(ConnectError, match=r"another motor answers at 115.2 kbit/s; leave only gripper"):
        set_up(bus.port, "gripper", ARM["gripper"], ARM)
    assert set(bus.chain.servos) == {1, 6}


@pytest.mark.parametrize(
    ("servo", "resembles"),
    [
        (EmulatedServo(1), ""),
        (EmulatedServo(1, registers={"Homing_Offset": 5}), "pan"),
        (EmulatedServo(2), "lift"),
        (EmulatedServo(6), ""),
        (EmulatedServo(8), "motor_8"),
    ],
)
def test_a_motor_that_was_set_up_as_another_is_told(servo: EmulatedServo, resembles: str) -> None:
    bus = chain(servo)
    with serving(bus):
        assert find(bus.port, "gripper", ARM["gripper"], ARM).resembles == resembles


def test_no_motor_is_said_so() -> None:
    bus = chain(EmulatedServo(1))
    bus.chain.faults.dead.add(1)
    with serving(bus), pytest.raises(ConnectError, match="no motor answers, at any baud rate"):
        set_up(bus.port, "gripper", ARM["gripper"], ARM)


def test_another_model_is_left_alone() -> None:
    servo = EmulatedServo(1)
    servo.set("Model_Number", 1284)
    bus = chain(servo)
    with serving(bus), pytest.raises(ConnectError, match=r"gripper: this motor is of model 1284"):
        set_up(bus.port, "gripper", ARM["gripper"], ARM)
    assert servo.id == 1


def test_every_motor_gets_a_row() -> None:
    bus = chain(*(EmulatedServo(id) for id in range(1, 6)))
    bus.chain.faults.dead.add(2)
    bus.chain.faults.overloaded.add(3)
    bus.chain.servos[4].set("Model_Number", 1284)
    bus.chain.servos[5].set("Present_Temperature", 66)
    driver = FeetechBus(bus.port, {f"joint_{id}": Motor(id) for id in range(1, 6)})
    with serving(bus):
        driver.open()
        try:
            rows = {row["motor"]: row for row in diagnose(driver)}
        finally:
            driver.close()
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {
        "joint_1": "well",
        "joint_2": "silent",
        "joint_3": "overload",
        "joint_4": "another model",
        "joint_5": "hot",
    }
    assert rows["joint_1"]["voltage"] == "12.0 V"
    assert "hilt setup-motors" in rows["joint_2"]["next"]


def test_a_port_that_is_gone_is_no_row() -> None:
    bus = chain(EmulatedServo(1))
    driver = FeetechBus(bus.port, {"joint": Motor(1)})
    with serving(bus):
        driver.open()
        bus.unplug()
        with pytest.raises(DeviceLost, match="connection lost"):
            diagnose(driver)
        driver.close()
