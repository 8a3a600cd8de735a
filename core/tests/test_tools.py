"""What the commands that find and check devices are made of."""

import subprocess
import sys
from io import StringIO
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from rich.console import Console

from hilt.kernel import Registry
from hilt.tools.cameras import find_cameras
from hilt.tools.config import FindCamerasConfig
from hilt.tools.findings import Finding, Level, Section, Table, show, show_verdict, wrong
from hilt.tools.flags import flow
from hilt.tools.holding import holders
from hilt.tools.pictures import write_png
from hilt.tools.watching import Measured, _pressed, _shared
from hilt_hooks import ConnectError, DeviceLost, InputEvent

CAMERA = Measured("front", 30.0, 30.0, "640x480", 18.4, {"usb": "1-2", "speed": "480"})


@pytest.mark.parametrize(("dtype", "channels", "format"), [("uint8", 3, "rgb24"), ("uint16", 1, "gray16le")])
def test_a_picture_is_a_png_with_the_same_pixels(tmp_path: Path, dtype: str, channels: int, format: str) -> None:
    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (12, 20, channels)).astype(dtype)
    write_png(tmp_path / "picture.png", image)
    with av.open(str(tmp_path / "picture.png")) as container:
        read = next(container.decode(video=0)).to_ndarray(format=format)
    np.testing.assert_array_equal(read.reshape(image.shape), image)


def test_who_has_a_device_open_is_named_until_it_is_closed(tmp_path: Path) -> None:
    device = tmp_path / "ttyACM0"
    device.touch()
    code = f"file = open({str(device)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (holder,) = holders(str(device))
        other.communicate("\n")
    assert holder.pid == other.pid
    assert "file = open" in holder.program
    assert holders(str(device)) == []


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"type": "opencv", "index_or_path": "http://10.0.0.7:8080/video", "fps": 30.0}},
        {"a": "with, comma", "b": "{braces}", "c": "key: value", "d": "", "e": None, "f": True},
        {"path": "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:2.3:1.0-video-index0"},
    ],
)
def test_flags_are_read_as_they_were_meant(value: object) -> None:
    assert yaml.safe_load(flow(value)) == value


def test_cameras_that_share_a_narrow_bus_are_told() -> None:
    from attrs import evolve

    twin = evolve(CAMERA, name="wrist", identity={"usb": "1-3.1", "speed": "480"})
    (finding,) = _shared([CAMERA, twin])
    assert finding.level is Level.NOTE
    assert "front and wrist share USB bus 1, 37 MB/s uncompressed" in finding.text
    assert not list(_shared([CAMERA]))
    assert not list(_shared([CAMERA, evolve(twin, identity={"usb": "2-1", "speed": "480"})]))
    assert not list(_shared([CAMERA, evolve(twin, identity={"usb": "1-3", "speed": "5000"})]))
    assert not list(_shared([CAMERA, evolve(twin, identity={})]))


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=80)


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_without_cameras_the_line_to_copy_is_whole(console: Console, tmp_path: Path) -> None:
    assert find_cameras(FindCamerasConfig(output_dir=tmp_path), Registry.of(), console) == 1
    assert " ".join(shown(console).split()) == (
        "No camera is here. Plug one in; of network cameras, give --addresses='[http://...]'."
    )


def test_findings_fit_the_terminal_and_all_of_an_error_is_there(console: Console) -> None:
    error = ConnectError("the arm cannot be used", [ConnectError("motor 1 " + "is silent " * 12), ConnectError("motor 2")])
    section = Section(
        "robot", [wrong("motors", error, "do " * 30), Finding("port", "free")], Table(("motor", "state"), (("a", "well"),))
    )
    show(section, console)
    text = shown(console)
    assert max(map(len, text.splitlines())) <= 80
    assert " ".join(text.split()).count("is silent") == 12
    assert "- motor 2" in text
    assert "what to do" in text


def test_only_what_is_wrong_counts(console: Console) -> None:
    note = Section("computer", [Finding("real time", "no permission", Level.NOTE)])
    assert show_verdict([note], console)
    assert not show_verdict([note, Section("robot", [wrong("port", "gone")])], console)
    assert "Nothing is wrong." in shown(console)
    assert "One thing is wrong:\n  robot: port" in shown(console)


class Pedal:
    """Plugged in, or not any more."""

    def __init__(self, lost: str = "") -> None:
        self.lost = lost

    def read(self) -> list[InputEvent]:
        if self.lost:
            raise DeviceLost(self.lost)
        return []


def test_an_input_that_goes_away_while_it_is_listened_to_is_a_finding(console: Console) -> None:
    _, lost = _pressed([("left", Pedal("left: unplugged")), ("right", Pedal())], 0.03, console)
    assert {name: (each.level, each.text) for name, each in lost.items()} == {"left": (Level.WRONG, "left: unplugged")}
