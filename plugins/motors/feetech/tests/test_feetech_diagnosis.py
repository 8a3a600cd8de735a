"""What is the matter with a chain of motors, in words, and what answers on a port."""

from pathlib import Path

import pytest

from hilt_hooks import ConnectError
from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import ROOT, SERIAL_PORTS
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.diagnosis import answering, diagnose
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain, serving

JOINTS = ("pan", "lift", "elbow", "wrist")


def chain(*servos: EmulatedServo) -> PtyBus:
    return PtyBus(ServoChain(servos or [EmulatedServo(id) for id in range(1, len(JOINTS) + 1)], FirstOrderPlant()))


def rows_of(bus: PtyBus) -> dict[str, dict[str, str]]:
    driver = FeetechBus(bus.port, {joint: Motor(id) for id, joint in enumerate(JOINTS, start=1)})
    with serving(bus):
        driver.open()
        try:
            return {row["motor"]: dict(row) for row in diagnose(driver)}
        finally:
            driver.close()


def test_a_chain_that_is_well() -> None:
    rows = rows_of(chain())
    assert {row["state"] for row in rows.values()} == {"well"}
    assert rows["pan"]["model"] == "sts3215"
    assert rows["pan"]["torque"] == "off"


def test_silence_from_one_motor_on_is_its_cable() -> None:
    bus = chain()
    bus.chain.faults.dead |= {3, 4}
    rows = rows_of(bus)
    assert "the cable from lift" in rows["elbow"]["cause"]
    assert rows["wrist"]["cause"] == "behind elbow"


def test_silence_of_one_in_the_middle_is_its_id() -> None:
    bus = chain()
    bus.chain.faults.dead.add(2)
    assert "its id was never set" in rows_of(bus)["lift"]["cause"]


def test_silence_of_all_is_the_power() -> None:
    bus = chain()
    bus.chain.faults.dead |= {1, 2, 3, 4}
    rows = rows_of(bus)
    assert {row["cause"] for row in rows.values()} == {"no motor answers: the arm has no power, or this is not its port"}


def test_a_motor_with_other_firmware_is_named() -> None:
    bus = chain()
    bus.chain.servos[4].set("Firmware_Minor_Version", 9)
    rows = rows_of(bus)
    assert rows["wrist"]["state"] == "other firmware"
    assert rows["wrist"]["cause"] == "the others have 3.10"
    assert rows["pan"]["state"] == "well"


def test_all_that_answers_is_found_whatever_its_rate() -> None:
    bus = chain(EmulatedServo(1), EmulatedServo(2), EmulatedServo(9, registers={"Baud_Rate": 4}))
    with serving(bus):
        rows = answering(bus.port)
    assert {(row["baud"], row["id"], row["model"]) for row in rows} == {
        ("1000000", "1", "sts3215"),
        ("1000000", "2", "sts3215"),
        ("115200", "9", "sts3215"),
    }


def test_a_port_by_the_serial_number_of_its_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is looked up at every connection: after a replug the port may be another."""
    machine, bus = UsbTree(tmp_path / "host"), chain()
    monkeypatch.setenv(ROOT, str(machine.root))
    first = machine.plug("1-1", "1a86:55d3", product="USB Serial", serial="ABC")
    machine.node(first, SERIAL_PORTS, "ttyACM0", opens=bus.port)
    driver = FeetechBus("serial:ABC", {"pan": Motor(1)})
    with serving(bus):
        driver.open()
        assert driver.ping("pan") == 777
        driver.close()
        machine.unplug(first)
        with pytest.raises(ConnectError, match="serial:ABC: no such device; serial ports here: none"):
            driver.open()
        machine.node(machine.plug("1-2", "1a86:55d3", serial="ABC"), SERIAL_PORTS, "ttyACM1", opens=bus.port)
        driver.open()
        assert driver.ping("pan") == 777
        driver.close()


def test_a_port_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = UsbTree(tmp_path / "host")
    monkeypatch.setenv(ROOT, str(machine.root))
    machine.node(machine.plug("1-1", "1a86:55d3", product="USB Serial", serial="ABC"), SERIAL_PORTS, "ttyACM0")
    with pytest.raises(
        ConnectError, match=r"/dev/ttyACM9: no such port; serial ports here: .*ttyACM0 \(USB Serial, serial ABC\)"
    ):
        FeetechBus("/dev/ttyACM9", {}).open()
