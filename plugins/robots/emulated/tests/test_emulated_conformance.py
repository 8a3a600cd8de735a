"""The conformance kit on the camera of a bench, and on the operator who follows a script there."""

import fcntl
import itertools
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import evolve

from hilt_hooks.testing import CameraRig, Check, InputRig, check_camera, check_input, conformance
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.config import EmulatedCameraConfig, ScriptedConfig
from hilt_robot_emulated.plugin import hilt_cameras, hilt_inputs
from hilt_robot_emulated.scripted import ScriptedOperator
from hilt_robot_emulated.settings import View

(CAMERA,) = hilt_cameras()
(SCRIPTED,) = hilt_inputs()
FILMED = {"front": View(64, 48, 30.0)}
SCRIPT = """
episode:
  - press: start
  - wait: human
reset:
  - press: start
  - wait: human
"""


class Room:
    """A bench that is started when it is needed, again in the same folder when it was stopped, and otherwise kept."""

    def __init__(self, folder: Path, cameras: Mapping[str, View]) -> None:
        self.folder, self._cameras = folder, cameras
        self._bench: Bench | None = None
        self._frozen = False

    def enter(self) -> None:
        if self._frozen:
            self.leave()
        if self._bench is None:
            self._bench = Bench.start(cameras=self._cameras, folder=self.folder)

    def leave(self) -> None:
        if self._bench is not None:
            self._send(signal.SIGCONT)
            self._bench.stop()
            self._bench, self._frozen = None, False

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)
        self._frozen = True

    def _send(self, number: signal.Signals) -> None:
        """To the process that renders."""
        assert self._bench is not None
        self._bench._children[-1].send_signal(number)


@contextmanager
def room(cameras: Mapping[str, View]) -> Iterator[Room]:
    with TemporaryDirectory() as folder:
        room = Room(Path(folder) / "bench", cameras)
        yield room
        room.leave()


@pytest.fixture(scope="module", autouse=True)
def rooms() -> Iterator[None]:
    """The benches of the rigs below, which are not fixtures, end with this module."""
    with room(FILMED) as filmed, room({}) as dark:
        ROOMS.update(filmed=filmed, dark=dark)
        yield
    ROOMS.clear()


ROOMS: dict[str, Room] = {}


@contextmanager
def camera_rig() -> Iterator[CameraRig]:
    room = ROOMS["filmed"]
    room.enter()
    size = {"bench": str(room.folder), "width": 64, "height": 48, "fps": 30.0}
    yield CameraRig(
        config=EmulatedCameraConfig(name="front", **size),
        absent=EmulatedCameraConfig(name="wrist", **size),
        unplug=room.leave,
        replug=room.enter,
        freeze=room.freeze,
    )


@conformance(check_camera(CAMERA, camera_rig, module="hilt_robot_emulated.plugin"))
def test_camera(check: Check) -> None:
    check.run()


class Stage:
    """Makes the operator press by telling it a phase: `ready` and `reset` in turn, for a new one begins with `ready`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._operator: ScriptedOperator | None = None
        self._process: object = None
        self._turn = itertools.cycle(("ready", "reset"))

    def built(self, operator: ScriptedOperator) -> None:
        self._operator = operator

    def tap(self, control: str) -> None:
        """Returns when the operator has pressed: of phases that come together it hears the last only."""
        assert self._operator is not None
        fd = self._operator.fileno()
        if fd is None:
            return
        if self._operator._process is not self._process:
            self._process, self._turn = self._operator._process, itertools.cycle(("ready", "reset"))
        before, end = _waiting(fd), time.monotonic() + 30
        self._operator.show_phase(next(self._turn), 0)
        while _waiting(fd) == before:
            assert time.monotonic() < end, "the operator has not pressed"
            time.sleep(0.002)

    def unplug(self) -> None:
        self._room.leave()
        if self._operator is not None and self._operator._process is not None:
            self._operator._process.kill()


def _waiting(fd: int) -> int:
    """How many bytes can be read."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))
    return count


@contextmanager
def scripted_rig() -> Iterator[InputRig]:
    room = ROOMS["dark"]
    room.enter()
    stage, script = Stage(room), room.folder.with_name("script.yaml")
    script.write_text(SCRIPT)
    config = ScriptedConfig(bench=str(room.folder), script=str(script))
    yield InputRig(
        config=config,
        tap=stage.tap,
        controls=("start",),
        built=stage.built,
        unplug=stage.unplug,
        replug=room.enter,
        absent=evolve(config, bench=str(room.folder.with_name("elsewhere"))),
    )


EXEMPT = {"I12": "it names the bench that does not run; those in folders of their own, as here, are on no list"}


@conformance(check_input(SCRIPTED, scripted_rig, module="hilt_robot_emulated.plugin"), EXEMPT)
def test_scripted(check: Check) -> None:
    check.run()
