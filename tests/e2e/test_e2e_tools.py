"""`hilt find-port`, `hilt find-cameras` and `hilt doctor`, as an operator beside an arm runs them."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import cv2
import e2e_session
import pytest
from e2e_commands import instead, without
from e2e_session import Terminal, run
from e2e_wire import Wire

from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import MjpegServer
from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import CAMERAS, ROOT, SERIAL_PORTS
from hilt_motor_feetech.port import Port
from hilt_robot_emulated.bench import Bench

FOLLOWER, LEADER = "1-2.3", "1-2.4"


@pytest.fixture
def machine(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UsbTree:
    """The bench behind USB adapters: the leader's has no serial number."""
    machine = UsbTree(tmp_path / "host")
    monkeypatch.setitem(e2e_session.ENVIRONMENT, ROOT, str(machine.root))
    follower = machine.plug(FOLLOWER, "1a86:55d3", vendor="QinHeng", product="USB Single Serial", serial="5A46085090")
    machine.node(follower, SERIAL_PORTS, "ttyACM0", opens=bench.robot_port, by_id="usb-1a86_5A46085090-if00")
    machine.node(machine.plug(LEADER, "1a86:7523", product="USB Serial"), SERIAL_PORTS, "ttyUSB0", opens=bench.leader_port)
    return machine


@pytest.fixture
def faulty() -> Iterator[Bench]:
    """A bench of one's own, that may be left broken."""
    with Bench.start(cameras={}, seed=1) as bench:
        yield bench


def paragraph(text: str) -> str:
    """Without the line breaks that a terminal needs."""
    return " ".join(text.split())


def test_ports_are_listed_with_what_answers_and_with_flags(bench: Bench, machine: UsbTree) -> None:
    with Wire(bench) as wire:
        ran = run(["find-port"])
        assert wire.silent
    assert (ran.returncode, ran.stderr) == (0, "")
    follower, leader = ran.stdout.split("\n\n")
    assert "QinHeng USB Single Serial (1a86:55d3), serial 5A46085090" in follower
    assert "Feetech at 1000000 baud: ids 1 to 6 (sts3215)" in follower
    assert f"{machine.root}/dev/serial/by-id/usb-1a86_5A46085090-if00\n" in follower
    assert "--robot.port=serial:5A46085090\n" in follower
    assert "no serial number" in leader
    assert f"--teleop.port={machine.root}/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.4:1.0\n" in leader


def test_a_port_without_motors_says_so(bench: Bench, machine: UsbTree) -> None:
    bench.command("faults", arm="robot", dead=[1, 2, 3, 4, 5, 6])
    try:
        follower, _ = run(["find-port"]).stdout.split("\n\n")
    finally:
        bench.command("faults", arm="robot", dead=[])
    assert "answers       nothing; is the power of the arm on?" in follower


def test_a_port_in_use_is_not_called_silent(bench: Bench, machine: UsbTree) -> None:
    held = Port(bench.robot_port, 1_000_000)
    held.open()
    try:
        follower, leader = run(["find-port"]).stdout.split("\n\n")
    finally:
        held.close()
    assert "in use by" in follower
    assert "nothing" not in follower
    assert "ids 1 to 6" in leader


def test_no_port_at_all_is_an_error(machine: UsbTree) -> None:
    for place in (FOLLOWER, LEADER):
        machine.unplug(machine.root / "sys/devices/pci0000:00/usb1" / place)
    ran = run(["find-port"])
    assert ran.returncode == 1
    assert "No USB serial port is here" in ran.stdout


def test_a_port_is_found_by_pulling_its_plug(bench: Bench, machine: UsbTree) -> None:
    with Terminal(["find-port", "--unplug"], width=80) as terminal:
        terminal.expect("Pull the USB plug")
        machine.unplug(machine.root / "sys/devices/pci0000:00/usb1" / FOLLOWER)
        terminal.expect("That was .*/ttyACM0")
        again = machine.plug(FOLLOWER, "1a86:55d3", product="USB Single Serial", serial="5A46085090")
        machine.node(again, SERIAL_PORTS, "ttyACM1", opens=bench.robot_port)
        terminal.expect("--robot.port=serial:5A46085090")
        assert terminal.ended() == 0


def test_a_plug_may_be_put_back_somewhere_else(bench: Bench, machine: UsbTree) -> None:
    with Terminal(["find-port", "--unplug", "--scan=false"], width=80) as terminal:
        terminal.expect("Pull the USB plug")
        machine.unplug(machine.root / "sys/devices/pci0000:00/usb1" / FOLLOWER)
        terminal.expect("That was .*/ttyACM0")
        again = machine.plug("1-4", "1a86:55d3", product="USB Single Serial", serial="5A46085090")
        machine.node(again, SERIAL_PORTS, "ttyACM0", opens=bench.robot_port)
        terminal.expect("plugged in at USB 1-4")
        assert terminal.ended() == 0


def test_a_pulled_port_is_not_called_by_a_serial_number_that_another_has_too(bench: Bench, machine: UsbTree) -> None:
    machine.node(machine.plug("1-4", "1a86:55d3", serial="5A46085090"), SERIAL_PORTS, "ttyACM1")
    with Terminal(["find-port", "--unplug", "--scan=false"], width=80) as terminal:
        terminal.expect("Pull the USB plug")
        machine.unplug(machine.root / "sys/devices/pci0000:00/usb1" / FOLLOWER)
        terminal.expect("That was .*/ttyACM0")
        machine.node(machine.plug(FOLLOWER, "1a86:55d3", serial="5A46085090"), SERIAL_PORTS, "ttyACM0")
        terminal.expect("--robot.port=/")
        assert terminal.ended() == 0


def test_an_arm_is_named_by_its_serial_number_in_a_session(bench: Bench, machine: UsbTree) -> None:
    command = instead(["teleoperate", *without(bench.flags, "robot.cameras")], "robot.port", "serial:5A46085090")
    with Terminal(command) as terminal:
        terminal.phase("ready")
        terminal.press("esc")
        terminal.expect("Release the torque")
        terminal.press("enter")
        assert terminal.ended() == 0
    ran = run(["doctor", *instead(without(bench.flags, "robot.cameras"), "robot.port", "serial:5A46085099")])
    assert ran.returncode == 1
    assert "serial:5A46085099: no such device; serial ports here: " in paragraph(ran.stdout)


def test_the_doctor_finds_nothing_and_touches_nothing(bench: Bench) -> None:
    before = bench.state()
    with Wire(bench) as wire:
        ran = run(["doctor", *without(bench.flags, "robot.cameras")])
        assert wire.silent
    after = bench.state()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count(" well\n") == 12
    assert "Nothing is wrong." in ran.stdout
    assert after["torque"] == before["torque"]


def test_the_doctor_measures_all_cameras_together(bench: Bench) -> None:
    """How fast they are depends on who else computes here; that they were measured does not."""
    said = run(["doctor", *bench.flags]).stdout
    for camera in ("front", "wrist"):
        assert re.search(rf"{camera} +160x120, \d+\.\d of 30 frames a second", said)


def test_the_doctor_tells_a_cable_from_a_blocked_joint(faulty: Bench) -> None:
    faulty.command("faults", arm="robot", dead=[4, 5, 6], overloaded=[2])
    ran = run(["doctor", *faulty.flags])
    said = paragraph(ran.stdout)
    assert ran.returncode == 1
    assert "shoulder_lift overload" in said
    assert "silent: the cable from elbow_flex, or an id that was never set" in said
    assert "wrist_roll, gripper: silent: behind wrist_flex" in said
    assert ran.stdout.count(" well\n") == 2 + 6


def test_the_doctor_compares_motors_and_file(bench: Bench, tmp_path: Path) -> None:
    file = f"{bench.description['ids']['robot']}.json"
    changed = json.loads((bench.calibration_dir / file).read_text())
    changed["gripper"]["range_max"] -= 7
    (tmp_path / file).write_text(json.dumps(changed))
    ran = run(["doctor", *instead(without(bench.flags, "robot.cameras"), "robot.calibration_dir", tmp_path)])
    assert ran.returncode == 1
    said = paragraph(ran.stdout)
    assert f"gripper.range_max: {changed['gripper']['range_max']} in the file, " in said


def test_the_doctor_goes_on_where_parts_are_missing(bench: Bench, tmp_path: Path) -> None:
    flags = instead(instead(bench.flags, "teleop.port", tmp_path / "ttyACM7"), "robot.calibration_dir", tmp_path)
    cameras = '{none: {type: opencv, index_or_path: "http://127.0.0.1:9/", width: 640, height: 480, fps: 30}}'
    ran = run(["doctor", *instead(flags, "robot.cameras", cameras)])
    said = paragraph(ran.stdout)
    assert ran.returncode == 1
    assert f"port {tmp_path}/ttyACM7 is not there" in said
    assert "there is no such file what to do hilt calibrate --robot.type=so101_follower --robot.port=" in said
    assert "none camera http://127.0.0.1:9/ does not open" in said
    assert ran.stdout.count(" well\n") == 6
    assert "3 things are wrong:" in ran.stdout


def test_the_doctor_names_who_holds_a_port(bench: Bench) -> None:
    held = Port(bench.robot_port, 1_000_000)
    held.open()
    try:
        ran = run(["doctor", *without(bench.flags, "robot.cameras")])
    finally:
        held.close()
    assert ran.returncode == 1
    assert "in use by " in ran.stdout


def test_the_doctor_shows_what_is_pressed(arms: Bench) -> None:
    with Terminal(["doctor", "--input.type=keyboard", "--press_s=2"], width=80) as terminal:
        terminal.expect("Press the keys")
        terminal.press("space")
        terminal.expect(r"keyboard +pressed: space \(pause\)")
        assert terminal.ended() == 0


def test_every_camera_has_its_picture_taken(bench: Bench, machine: UsbTree, tmp_path: Path) -> None:
    """Those of the robot, a network camera, and something on USB that calls itself a camera."""
    machine.node(machine.plug("1-3", "0c45:6366", product="USB 2.0 Camera"), CAMERAS, "video0", index=0)
    robot = [flag for flag in bench.flags if flag.startswith("--robot.")]
    with MjpegServer(OpenCVConfig(index_or_path="", width=320, height=240, fps=15)) as server:
        ran = run(["find-cameras", *robot, f"--addresses=[{server.url}]", f"--output_dir={tmp_path / 'shots'}"])
    assert ran.returncode == 1
    assert "(USB 2.0 Camera)\n  no picture    its driver lists no images; is it a camera?" in ran.stdout
    pictures = {path.name: cv2.imread(str(path)).shape for path in (tmp_path / "shots").iterdir()}
    assert {shape for name, shape in pictures.items() if name.startswith("emulated__")} == {(120, 160, 3)}
    assert {shape for name, shape in pictures.items() if name.startswith("opencv__")} == {(240, 320, 3)}
    assert len(pictures) == 3
    (flag,) = shlex.split(ran.stdout.splitlines()[-1])
    dry = run(["teleoperate", *without(bench.flags, "robot.cameras"), flag, *_scripted(bench), "--dry-run"])
    assert "camera1: opencv" in dry.stdout, dry.stderr


def _scripted(bench: Bench) -> list[str]:
    return ["--input.type=scripted", f"--input.bench={bench.folder}"]


def test_without_cameras_the_operator_is_told_what_to_do(machine: UsbTree, tmp_path: Path) -> None:
    ran = run(["find-cameras", f"--output_dir={tmp_path}"])
    assert ran.returncode == 1
    assert "No camera is here" in ran.stdout
