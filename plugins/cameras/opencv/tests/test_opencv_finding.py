"""Cameras that are there: what they can do, and by which names they are configured."""

import struct
from pathlib import Path

import pytest

from hilt_camera_opencv.camera import OpenCVCamera
from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import MjpegServer
from hilt_camera_opencv.finding import best, find
from hilt_camera_opencv.modes import ENUM_FMT, ENUM_INTERVALS, ENUM_SIZES, DeviceMode, listed
from hilt_hooks import ConnectError
from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import CAMERAS, ROOT

MODES = {
    "YUYV": {(640, 480): [(1, 30)], (1280, 720): [(1, 10)]},
    "MJPG": {(1280, 720): [(1, 30), (1, 60)], (640, 480): [(1, 30), (1001, 30000)]},
}


class Driver:
    """A camera's driver: lists what it has as the kernel's interface says."""

    def __call__(self, request: int, data: bytes) -> bytes | None:
        index, second = struct.unpack_from("=II", data)
        if request == ENUM_FMT:
            return self._format(index)
        sizes = MODES[struct.pack("<I", second).decode()]
        if request == ENUM_SIZES:
            size = list(sizes)[index : index + 1]
            return struct.pack("=III2I4I2I", index, second, 1, *size[0], *[0] * 6) if size else None
        assert request == ENUM_INTERVALS
        rates = sizes[struct.unpack_from("=II", data, 8)][index : index + 1]
        return struct.pack("=IIIII2I4I2I", index, second, 0, 0, 1, *rates[0], *[0] * 6) if rates else None

    def _format(self, index: int) -> bytes | None:
        names = list(MODES)[index : index + 1]
        return struct.pack("=III32s4s4I", index, 1, 0, b"words", names[0].encode(), *[0] * 4) if names else None


def test_all_modes_of_a_driver_are_listed() -> None:
    modes = list(listed(Driver()))
    assert [(mode.fourcc, mode.width, mode.height, mode.rates) for mode in modes] == [
        ("YUYV", 640, 480, (30.0,)),
        ("YUYV", 1280, 720, (10.0,)),
        ("MJPG", 1280, 720, (60.0, 30.0)),
        ("MJPG", 640, 480, (30.0, 29.97)),
    ]


def test_ranges_are_listed_by_their_ends() -> None:
    def driver(request: int, data: bytes) -> bytes | None:
        index, second = struct.unpack_from("=II", data)
        if request == ENUM_FMT:
            return Driver()._format(1) if index == 0 else None
        if request == ENUM_SIZES:
            return struct.pack("=III6I2I", 0, second, 3, 160, 1920, 8, 120, 1080, 8, 0, 0)
        return struct.pack("=IIIII6I2I", 0, second, 0, 0, 3, 1, 60, 1, 1, 1, 1, 0, 0)

    assert list(listed(driver)) == [DeviceMode("MJPG", 160, 120, (60.0,)), DeviceMode("MJPG", 1920, 1080, (60.0,))]


def test_the_usual_size_compressed_comes_first() -> None:
    modes = list(listed(Driver()))
    assert best(modes) == DeviceMode("MJPG", 640, 480, (30.0, 29.97))
    assert best(modes[:2]) == DeviceMode("YUYV", 640, 480, (30.0,))
    assert best(modes[2:3]) == modes[2]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UsbTree:
    machine = UsbTree(tmp_path / "host")
    monkeypatch.setenv(ROOT, str(machine.root))
    camera = machine.plug("1-3", "0c45:6366", product="USB 2.0 Camera", serial="SN0001", speed="480")
    machine.node(camera, CAMERAS, "video0", index=0, by_id="usb-Camera_SN0001-video-index0")
    return machine


def test_a_device_that_is_no_camera_is_a_row_with_the_reason(machine: UsbTree) -> None:
    (found,) = find([])
    assert found.config == {}
    assert "USB 2.0 Camera, serial SN0001" in found.identity
    assert "lists no images" in found.problem


def test_network_cameras_are_asked_by_their_address(machine: UsbTree) -> None:
    with MjpegServer(OpenCVConfig(index_or_path="", width=320, height=240, fps=15)) as server:
        url = server.url
        _, here, gone = find([url, "http://127.0.0.1:9/"])
        camera = OpenCVCamera(OpenCVConfig(**here.config))  # type: ignore[arg-type]
        try:
            camera.connect()
            assert camera.read(5.0).image.shape == (240, 320, 3)
        finally:
            camera.disconnect()
    assert here.config["index_or_path"] == url
    assert camera.identify() == {"address": url}
    assert (gone.config, "is its server running" in gone.problem) == ({}, True)


def test_a_camera_tells_where_it_is_plugged_in(machine: UsbTree) -> None:
    camera = OpenCVCamera(OpenCVConfig(index_or_path="serial:SN0001", width=640, height=480, fps=30))
    said = camera.identify()
    assert (said["usb"], said["speed"], said["serial"]) == ("1-3", "480", "SN0001")


def test_an_unknown_serial_number_is_refused_with_those_that_are_here(machine: UsbTree) -> None:
    camera = OpenCVCamera(OpenCVConfig(index_or_path="serial:SN0002", width=640, height=480, fps=30))
    with pytest.raises(ConnectError, match=r"serial:SN0002: no such device; cameras here: .*serial SN0001\)"):
        camera.connect()
