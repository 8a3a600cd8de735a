import errno
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

if sys.platform != "linux":
    pytest.skip("event devices exist on Linux only", allow_module_level=True)

from hilt_hooks import ConfigError, ConnectError, DeviceLost, Edge, Input
from hilt_input_pedal.config import PedalConfig
from hilt_input_pedal.events import EV_KEY, EV_SYN, EVENT, SYN_DROPPED, SYN_REPORT, Decoder
from hilt_input_pedal.pedal import Pedal
from hilt_input_pedal.source import _explain

EV_MSC, MSC_SCAN = 4, 4
KEY_A, KEY_B = 30, 48
RELEASED, PRESSED, REPEATED = 0, 1, 2


def report(code: int, value: int) -> bytes:
    """What a pedal's movement is on the wire: scan code, key, end of report."""
    return b"".join(
        EVENT.pack(1700000000, 250000, *event)
        for event in ((EV_MSC, MSC_SCAN, 0x70004), (EV_KEY, code, value), (EV_SYN, SYN_REPORT, 0))
    )


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "event"
    os.mkfifo(path)
    wire = os.open(path, os.O_RDWR)
    yield path, wire
    os.close(wire)


@pytest.fixture
def pedal(fifo: tuple[Path, int]) -> Iterator[Pedal]:
    device = Pedal(PedalConfig(device_path=str(fifo[0])))
    device.connect()
    yield device
    device.disconnect()


def edges(pedal: Pedal) -> list[tuple[str, Edge]]:
    return [(event.control, event.edge) for event in pedal.read()]


def test_a_recorded_press_with_repeats_is_one_press_and_one_release(pedal: Pedal, fifo: tuple[Path, int]) -> None:
    values = (PRESSED, REPEATED, REPEATED, RELEASED)
    os.write(fifo[1], b"".join(report(KEY_A, value) for value in values))
    assert edges(pedal) == [("KEY_A", Edge.PRESS), ("KEY_A", Edge.RELEASE)]
    assert edges(pedal) == []
    assert isinstance(pedal, Input)
    assert pedal.reports_releases


def test_an_event_cut_anywhere_is_put_together(pedal: Pedal, fifo: tuple[Path, int]) -> None:
    press = report(KEY_B, PRESSED) + report(KEY_B, RELEASED)
    for cut in range(1, len(press)):
        os.write(fifo[1], press[:cut])
        first = edges(pedal)
        os.write(fifo[1], press[cut:])
        assert first + edges(pedal) == [("KEY_B", Edge.PRESS), ("KEY_B", Edge.RELEASE)]


def test_the_descriptor_becomes_readable_when_an_event_waits(pedal: Pedal, fifo: tuple[Path, int]) -> None:
    fd = pedal.fileno()
    assert fd is not None
    assert select.select([fd], [], [], 0)[0] == []
    os.write(fifo[1], report(KEY_A, PRESSED))
    assert select.select([fd], [], [], 5)[0] == [fd]


codes = st.integers(1, 5)
events = st.one_of(
    st.tuples(st.just(EV_KEY), codes, st.integers(0, 2)),
    st.tuples(st.just(EV_SYN), st.sampled_from((SYN_REPORT, SYN_DROPPED)), st.just(0)),
    st.tuples(st.just(EV_MSC), st.just(MSC_SCAN), st.integers(0, 9)),
)


@given(st.lists(events, max_size=40))
def test_presses_and_releases_alternate_whatever_comes(stream: list[tuple[int, int, int]]) -> None:
    decoder, last = Decoder(), dict.fromkeys(range(1, 6), Edge.RELEASE)
    for event in stream:
        for code, edge in decoder.feed(EVENT.pack(0, 0, *event)):
            assert edge != last[code]
            last[code] = edge
        if event[:2] == (EV_SYN, SYN_DROPPED):
            assert set(last.values()) == {Edge.RELEASE}


def test_after_an_overflow_all_is_released_and_the_rest_of_the_report_ignored() -> None:
    decoder = Decoder()
    assert decoder.feed(report(KEY_A, PRESSED)) == [(KEY_A, Edge.PRESS)]
    assert decoder.feed(EVENT.pack(0, 0, EV_SYN, SYN_DROPPED, 0)) == [(KEY_A, Edge.RELEASE)]
    assert decoder.feed(report(KEY_A, PRESSED)) == []
    assert decoder.feed(report(KEY_A, PRESSED)) == [(KEY_A, Edge.PRESS)]


def test_unplugged_is_device_lost_and_connect_brings_it_back(tmp_path: Path) -> None:
    path = tmp_path / "event"
    os.mkfifo(path)
    pedal = Pedal(PedalConfig(device_path=str(path)))
    for _ in range(2):
        wire = os.open(path, os.O_RDWR)
        pedal.connect()
        os.write(wire, report(KEY_A, PRESSED))
        os.close(wire)
        assert edges(pedal) == [("KEY_A", Edge.PRESS)]
        with pytest.raises(DeviceLost, match=str(path)):
            pedal.read()
        pedal.disconnect()
        pedal.disconnect()


def test_not_connected_is_device_lost() -> None:
    pedal = Pedal(PedalConfig())
    pedal.disconnect()
    assert pedal.fileno() is None
    with pytest.raises(DeviceLost, match="not connected"):
        pedal.read()


def test_a_missing_pedal_is_refused(tmp_path: Path) -> None:
    pedal = Pedal(PedalConfig(device_path=str(tmp_path / "none")))
    with pytest.raises(ConnectError, match=r"none is not there; plug it in.*device_path"):
        pedal.connect()
    pedal.disconnect()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_what_is_no_event_device_is_refused(path: str) -> None:
    with pytest.raises(ConnectError, match=f"{path} is not an event device"):
        Pedal(PedalConfig(device_path=path)).connect()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_pedal_is_refused(fifo: tuple[Path, int]) -> None:
    fifo[0].chmod(0)
    with pytest.raises(ConnectError, match="sudo setfacl -m"):
        Pedal(PedalConfig(device_path=str(fifo[0]))).connect()


def test_the_commands_against_a_forbidden_pedal_are_complete() -> None:
    path = "/dev/input/by-id/usb-PCsensor_FootSwitch-if01-event-kbd"
    message = _explain(path, PermissionError(errno.EACCES, "Permission denied"))
    assert f"run: sudo setfacl -m u:$USER:rw {path};" in message
    assert """echo 'SUBSYSTEM=="input", ENV{ID_SERIAL}=="PCsensor_FootSwitch", TAG+="uaccess"' | sudo tee""" in message
    assert "udev" not in _explain("/dev/input/event7", PermissionError(errno.EACCES, "Permission denied"))
    assert "fuser" in _explain(path, OSError(errno.EBUSY, "Device or resource busy"))


def test_bindings_are_laid_over_the_default_ones() -> None:
    pedal = Pedal(PedalConfig(bindings={"KEY_B": "intervene", "KEY_C": ""}))
    assert pedal.bindings == {"KEY_A": "pause", "KEY_B": "intervene"}


def test_a_wrong_code_is_named_with_its_nearest_match() -> None:
    with pytest.raises(ConfigError, match=r"bindings\.key_a: no key code has this name; did you mean 'KEY_A'"):
        Pedal(PedalConfig(bindings={"key_a": "pause"}))


def test_the_left_pedal_only_ever_pauses_and_only_the_right_one_drives() -> None:
    bindings = Pedal(PedalConfig()).bindings
    drives = {"start", "resume"}
    assert bindings["KEY_A"] == "pause"
    assert not drives & set(dict(bindings["KEY_B"]).values())
    assert drives <= set(dict(bindings["KEY_C"]).values())


def test_the_descriptor_is_light() -> None:
    code = """
import sys
from hilt_input_pedal.plugin import hilt_inputs
assert "evdev" not in sys.modules
(descriptor,) = hilt_inputs()
module, _, attribute = descriptor.factory.partition(":")
assert getattr(__import__(module, fromlist=[attribute]), attribute)(descriptor.config()).bindings == descriptor.bindings
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
