"""USB devices by names that last, read from the folders of a made-up machine."""

from pathlib import Path

import pytest

from hilt_hooks import ConnectError
from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import CAMERAS, ROOT, SERIAL_PORTS, located, usb_devices


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UsbTree:
    """Two serial adapters, only one of them with a serial number, and a camera with its metadata node."""
    machine = UsbTree(tmp_path / "host")
    monkeypatch.setenv(ROOT, str(machine.root))
    arm = machine.plug("1-2.3", "1a86:55d3", vendor="QinHeng", product="USB Single Serial", serial="5A46085090")
    machine.node(arm, SERIAL_PORTS, "ttyACM0", by_id="usb-1a86_USB_Single_Serial_5A46085090-if00")
    machine.node(machine.plug("1-2.4", "1a86:7523", product="USB Serial"), SERIAL_PORTS, "ttyUSB0")
    camera = machine.plug("1-3", "0c45:6366", product="USB 2.0 Camera", serial="SN0001", speed="480")
    machine.node(camera, CAMERAS, "video0", index=0, by_id="usb-Camera_SN0001-video-index0")
    machine.node(camera, CAMERAS, "video1", index=1)
    return machine


def test_a_device_says_all_that_is_known_of_it(machine: UsbTree) -> None:
    arm, other = usb_devices(SERIAL_PORTS)
    assert arm.path == str(machine.root / "dev/ttyACM0")
    assert (arm.vendor, arm.product, arm.serial) == ("QinHeng", "USB Single Serial", "5A46085090")
    assert (arm.ids, arm.place, arm.speed) == ("1a86:55d3", "1-2.3", "12")
    assert [Path(link).parent.name for link in arm.links] == ["by-id", "by-path"]
    assert (other.serial, other.vendor) == ("", "")
    assert Path(other.name).parent.name == "by-path"


def test_ports_that_are_on_no_usb_are_none(machine: UsbTree) -> None:
    console = machine.root / "sys/devices/virtual/tty/tty0"
    console.mkdir(parents=True)
    (machine.root / "sys/class/tty/tty0").symlink_to(console)
    assert [each.path.rpartition("/")[2] for each in usb_devices(SERIAL_PORTS)] == ["ttyACM0", "ttyUSB0"]


def test_a_camera_is_listed_once(machine: UsbTree) -> None:
    (camera,) = usb_devices(CAMERAS)
    assert camera.path.endswith("/video0")
    assert camera.name.endswith("/dev/v4l/by-id/usb-Camera_SN0001-video-index0")


def test_a_serial_number_leads_to_wherever_the_device_is_now(machine: UsbTree) -> None:
    assert located("serial:5A46085090", SERIAL_PORTS) == str(machine.root / "dev/ttyACM0")
    machine.unplug(machine.root / "sys/devices/pci0000:00/usb1/1-2.3")
    again = machine.plug("1-4", "1a86:55d3", product="USB Single Serial", serial="5A46085090")
    machine.node(again, SERIAL_PORTS, "ttyACM3")
    assert located("serial:5A46085090", SERIAL_PORTS) == str(machine.root / "dev/ttyACM3")


@pytest.mark.parametrize("path", ["/dev/ttyACM0", "can0", "/dev/serial/by-id/usb-x"])
def test_a_path_is_what_it_is(machine: UsbTree, path: str) -> None:
    assert located(path, SERIAL_PORTS) == path


def test_an_unknown_serial_number_is_told_with_those_that_are_here(machine: UsbTree) -> None:
    with pytest.raises(ConnectError) as raised:
        located("serial:5A4608509X", SERIAL_PORTS)
    assert "serial:5A4608509X: no such device; serial ports here: " in str(raised.value)
    assert "ttyACM0 (QinHeng USB Single Serial, serial 5A46085090)" in str(raised.value)
    assert "ttyUSB0 (USB Serial)" in str(raised.value)


def test_without_any_device_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, str(tmp_path))
    assert usb_devices(SERIAL_PORTS) == usb_devices(CAMERAS) == []
    with pytest.raises(ConnectError, match="cameras here: none"):
        located("serial:1", CAMERAS)


def test_a_number_that_two_devices_share_tells_nothing(machine: UsbTree) -> None:
    """Cheap cameras all have the same; the link that is made of it leads to either."""
    twin = machine.plug("1-5", "0c45:6366", product="USB 2.0 Camera", serial="SN0001", speed="480")
    machine.node(twin, CAMERAS, "video2", index=0)
    first, second = usb_devices(CAMERAS)
    assert {Path(each.name).parent.name for each in (first, second)} == {"by-path"}
    with pytest.raises(ConnectError, match=r"several devices have this serial number; use a path: .*0:3:1\.0, .*0:5:1\.0"):
        located("serial:SN0001", CAMERAS)
