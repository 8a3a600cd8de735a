"""Finding devices and stations while a plugin raises: it is named, and all else is found as without it."""

import json
from pathlib import Path

from e2e_commands import instead
from isolation_runs import Ran, hilt

from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import ROOT, SERIAL_PORTS
from hilt_robot_emulated.bench import Bench


def told(ran: Ran, code: int) -> list[str]:
    """The lines, without the columns that they are in."""
    assert (ran.returncode, ran.stderr) == (code, "")
    return [" ".join(line.split()) for line in ran.stdout.splitlines()]


def test_a_scanner_that_raises(bench: Bench, tmp_path: Path) -> None:
    machine = UsbTree(tmp_path)
    machine.node(machine.plug("1-2", "1a86:55d3"), SERIAL_PORTS, "ttyACM0", opens=bench.robot_port)
    lines = told(hilt(["find-port"], plugins=["tools"], **{ROOT: str(tmp_path)}), 0)
    assert "answers Feetech at 1000000 baud: ids 1 to 6 (sts3215)" in lines
    assert "robot fixture_deaf (fixture-tools): RuntimeError: no bus" in lines


def test_finders_and_a_camera_that_raise(cameras: Bench, tmp_path: Path) -> None:
    UsbTree(tmp_path / "host")
    view = {"bench": str(cameras.folder), "name": "front", **cameras.description["cameras"]["front"]}
    listed = {"broken": {"type": "fixture_blind"}, "front": {"type": "emulated", **view}}
    robot = [flag for flag in instead(cameras.flags, "robot.cameras", json.dumps(listed)) if flag.startswith("--robot.")]
    words = ["find-cameras", *robot, f"--output_dir={tmp_path}"]
    lines = told(hilt(words, plugins=["tools"], **{ROOT: str(tmp_path / "host")}), 1)
    (picture,) = tmp_path.glob("*.png")
    assert f"picture {picture}" in lines
    assert [line for line in lines if line.startswith("no picture")] == [
        "no picture camera fixture_blind (fixture-tools): RuntimeError: no lens",
        "no picture camera fixture_blind (fixture-tools): RuntimeError: no sdk",
        "no picture camera 'fixture_eyeless' cannot be imported from 'hilt_fixture_tools:no_such_function': module",
    ]


def test_a_bundle_that_raises(tmp_path: Path) -> None:
    (tmp_path / "bench3.yaml").write_text("robot: {type: so101_follower}\n")
    lines = told(hilt(["config", "stations"], plugins=["tools"], HILT_STATIONS=str(tmp_path)), 0)
    assert set(lines) >= {
        f"bench3 so101_follower - {tmp_path}/bench3.yaml",
        "fixture_lab cannot be read bundle fixture_lab (fixture-tools): RuntimeError: no lab",
        "fixture_workshop fixture_deaf - bundle fixture_workshop",
    }
