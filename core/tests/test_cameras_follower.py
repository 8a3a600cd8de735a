"""Cameras that do what real ones do not do on demand."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hilt.cameras import camera_columns
from hilt.cameras.follower import Follower
from hilt.ipc.frames import FrameReader, FrameWriter
from hilt_hooks import ConfigError, ConnectError, DeviceLost, Frame, Signal

SHAPE = (4, 6, 3)


class Script:
    """A camera of two streams whose reads follow a script: an error to raise, or the name of a stream."""

    fps = 100.0
    streams = (Signal("", "", SHAPE, "uint8"), Signal("depth", "mm", (4, 6, 1), "uint16"))

    def __init__(
        self,
        connects: list[Exception | None],
        reads: list[Exception | str],
        stopping: threading.Event,
        disconnects: list[Exception] | None = None,
    ) -> None:
        self._connects, self._reads, self._stopping = iter(connects), iter(reads), stopping
        self._disconnects = iter(disconnects or [])
        self.connected = False
        self._sequence = 0

    def connect(self) -> None:
        if (error := next(self._connects)) is not None:
            raise error
        self.connected = True

    def disconnect(self) -> None:
        self.connected = False
        if (error := next(self._disconnects, None)) is not None:
            raise error

    def read(self, timeout_s: float) -> Frame:
        assert self.connected
        step = next(self._reads, None)
        if isinstance(step, Exception):
            raise step
        if step is None:
            self._stopping.set()
            step = ""
        self._sequence += 1
        shape, dtype = ((4, 6, 1), np.uint16) if step == "depth" else (SHAPE, np.uint8)
        return Frame(step, np.full(shape, self._sequence, dtype), self._sequence, self._sequence)


class Run:
    """One run of a follower over a script, and what it told."""

    def __init__(
        self,
        folder: Path,
        connects: list[Exception | None],
        reads: list[Exception | str],
        disconnects: list[Exception] | None = None,
    ) -> None:
        stopping = threading.Event()
        self.camera = Script(connects, reads, stopping, disconnects)
        self.told: list[tuple[str, str]] = []
        writers = {"": FrameWriter(folder / "rgb.ring", SHAPE), "depth": FrameWriter(folder / "depth.ring", (4, 6, 1), "uint16")}
        Follower("front", self.camera, writers, self._tell, stopping).run()

    def _tell(self, state: str, *, device: str, detail: str = "") -> None:
        assert device == "front"
        self.told.append((state, detail))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    return tmp_path


def test_each_stream_goes_to_its_ring(folder: Path) -> None:
    run = Run(folder, [None], ["", "depth"])
    assert run.told == [("ready", "")]
    depth = FrameReader(folder / "depth.ring", "depth").latest()
    assert depth is not None
    assert (depth.image.dtype, depth.image.shape, depth.sequence) == (np.uint16, (4, 6, 1), 2)
    assert not run.camera.connected


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DeviceLost("gone"), "gone"),
        (TimeoutError("gone"), "gone"),
        (KeyError("exposure"), "KeyError: 'exposure'"),
        ("infrared", "KeyError: 'infrared'"),
    ],
)
def test_lost_is_told_once_and_back_only_with_a_frame(folder: Path, error: Exception | str, told: str) -> None:
    run = Run(folder, [None, ValueError("not yet"), None, None], ["", error, TimeoutError("connected, but silent")])
    assert run.told == [("ready", ""), ("lost", told), ("back", "")]
    assert not run.camera.connected


@pytest.mark.parametrize(
    ("connects", "reads", "told"),
    [
        ([ConnectError("busy"), None], [], "busy"),
        ([None, None], [TimeoutError("busy")], "busy"),
        ([OSError("busy"), None], [], "OSError: busy"),
    ],
)
def test_a_camera_without_a_first_frame_is_failed_and_tried_again(
    folder: Path, connects: list[Exception | None], reads: list[Exception | str], told: str
) -> None:
    run = Run(folder, connects, reads)
    assert run.told == [("failed", told), ("back", "")]
    assert not run.camera.connected


def test_a_camera_that_cannot_even_be_left_is_tried_again(folder: Path) -> None:
    run = Run(folder, [None, None], ["", DeviceLost("gone")], disconnects=[OSError("gone")])
    assert run.told == [("ready", ""), ("lost", "gone"), ("back", "")]
    assert not run.camera.connected


def test_streams_with_a_name_are_columns_of_their_own() -> None:
    found = camera_columns({"front": make_script()})
    assert [(column.name, column.height, column.width, column.channels, column.dtype) for column in found] == [
        ("front", 4, 6, 3, "uint8"),
        ("front_depth", 4, 6, 1, "uint16"),
    ]


def test_two_images_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than one image would be called front_depth"):
        camera_columns({"front": make_script(), "front_depth": make_script()})


def make_script() -> Script:
    return Script([], [], threading.Event())
