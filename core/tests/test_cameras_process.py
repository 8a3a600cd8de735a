"""The real process, with a real camera that speaks to a server on localhost."""

import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from attrs import evolve, field, frozen
from waiting import PATIENCE_S, soon

from hilt.cameras import CamerasSetup, build_camera, camera_columns, run
from hilt.cameras.process import NICENESS
from hilt.ipc.frames import FrameReader
from hilt.ipc.messages import CameraColumn, Status, Stop, decode, encode
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import SESSION, camera_ring, status_ring

pytest.importorskip("hilt_camera_opencv", reason="the tests read a real camera")

from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import MjpegServer, number_of

FACTORY = "hilt_camera_opencv.camera:OpenCVCamera"
CONFIG = OpenCVConfig(index_or_path="", fps=50, width=160, height=120, warmup_s=0)


@frozen
class Session:
    """What a session process is to the cameras."""

    run_dir: Path
    ring: RingWriter
    _started: list[BaseProcess] = field(factory=list)

    def start(self, **cameras: OpenCVConfig) -> BaseProcess:
        setup = CamerasSetup(run_dir=self.run_dir, cameras={name: (FACTORY, config) for name, config in cameras.items()})
        process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
        process.start()
        self._started.append(process)
        return process

    def statuses(self) -> Callable[[], Status | None]:
        """Gives one status after the other."""
        path = self.run_dir / status_ring("cameras")
        ring = soon(lambda: RingReader(path, after=0) if path.exists() else None)

        def following() -> Status | None:
            packed = ring.read()
            message = decode(packed) if packed is not None else None
            return message if isinstance(message, Status) else None

        return following

    def frames(self, name: str) -> FrameReader:
        path = self.run_dir / camera_ring(name)
        return soon(lambda: FrameReader(path, "") if path.exists() else None)

    def stop(self) -> None:
        self.ring.write(encode(Stop()))

    def end(self) -> None:
        self.stop()
        for process in self._started:
            process.join(PATIENCE_S)
            process.kill()
            process.join()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    running = Session(tmp_path, RingWriter(tmp_path / SESSION, slot_bytes=4096, slots=64))
    yield running
    running.end()


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer(CONFIG) as running:
        yield running


def number_after(frames: FrameReader, number: int) -> int:
    """The number of the first frame seen that is newer than `number`."""

    def newer() -> int | None:
        frame = frames.latest()
        return number_of(frame.image) if frame is not None and number_of(frame.image) > number else None

    return soon(newer)


def test_frames_flow_until_stop(session: Session, server: MjpegServer) -> None:
    process = session.start(front=evolve(CONFIG, index_or_path=server.url), top=evolve(CONFIG, index_or_path=server.url))
    statuses = session.statuses()
    ready = {soon(statuses), soon(statuses)}
    assert ready == {Status(device="front", state="ready"), Status(device="top", state="ready")}
    for name in ("front", "top"):
        frames, number = session.frames(name), -1
        for _ in range(5):
            number = number_after(frames, number)
        newest = frames.latest()
        assert newest is not None
        assert newest.image.shape == (120, 160, 3)
        assert 0 <= time.monotonic_ns() - newest.time_ns < PATIENCE_S * 1e9
    assert process.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    session.stop()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_a_camera_that_dies_is_lost_and_comes_back(session: Session, server: MjpegServer) -> None:
    with MjpegServer(CONFIG) as other:
        session.start(front=evolve(CONFIG, index_or_path=server.url), top=evolve(CONFIG, index_or_path=other.url))
        statuses, front, top = session.statuses(), session.frames("front"), session.frames("top")
        assert {soon(statuses).state, soon(statuses).state} == {"ready"}
        number = number_after(front, -1)
        server.close()
        lost = soon(statuses)
        assert (lost.device, lost.state) == ("front", "lost")
        assert "no more frames" in lost.detail
        number_after(top, number_after(top, -1))
        server.start()
        assert soon(statuses) == Status(device="front", state="back")
        number_after(front, number)


def test_a_camera_that_falls_silent_is_lost_and_comes_back(session: Session, server: MjpegServer) -> None:
    session.start(front=evolve(CONFIG, index_or_path=server.url))
    statuses = session.statuses()
    assert soon(statuses).state == "ready"
    server.freeze()
    lost = soon(statuses)
    assert (lost.state, lost.detail) == ("lost", f"camera {server.url}: no frame for 1 s")
    server.thaw()
    assert soon(statuses).state == "back"


def test_a_camera_that_does_not_open_is_failed_and_the_others_go_on(session: Session, server: MjpegServer) -> None:
    process = session.start(front=evolve(CONFIG, index_or_path="/dev/video63"), top=evolve(CONFIG, index_or_path=server.url))
    statuses = session.statuses()
    found = {status.device: status for status in (soon(statuses), soon(statuses))}
    assert found["front"].state == "failed"
    assert "/dev/video63 is not there" in found["front"].detail
    assert found["top"].state == "ready"
    session.stop()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_rings_are_there_before_the_cameras_are(session: Session, server: MjpegServer) -> None:
    server.freeze()
    session.start(front=evolve(CONFIG, index_or_path=server.url))
    statuses, frames = session.statuses(), session.frames("front")
    assert frames.latest() is None
    assert statuses() is None
    server.thaw()
    assert soon(statuses).state == "ready"
    number_after(frames, -1)


def test_ctrl_c_is_left_to_the_session(session: Session, server: MjpegServer) -> None:
    process = session.start(front=evolve(CONFIG, index_or_path=server.url))
    statuses, frames = session.statuses(), session.frames("front")
    assert soon(statuses).state == "ready"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    number_after(frames, number_after(frames, -1))
    assert process.is_alive()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for another's child needs Linux")
def test_it_ends_when_its_session_dies(tmp_path: Path, server: MjpegServer) -> None:
    code = """
import multiprocessing, sys, time
from pathlib import Path
from hilt.cameras import CamerasSetup, run
from hilt.ipc.ring import RingWriter
from hilt.ipc.rundir import SESSION
from hilt_camera_opencv.config import OpenCVConfig
if __name__ == "__main__":
    run_dir, url = Path(sys.argv[1]), sys.argv[2]
    ring = RingWriter(run_dir / SESSION, slot_bytes=4096, slots=64)
    config = OpenCVConfig(index_or_path=url, fps=50, width=160, height=120, warmup_s=0)
    setup = CamerasSetup(run_dir=run_dir, cameras={"front": ("hilt_camera_opencv.camera:OpenCVCamera", config)})
    process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
    process.start()
    print(process.pid, flush=True)
    process.join()
"""
    script = tmp_path / "session.py"
    script.write_text(code)
    with subprocess.Popen([sys.executable, str(script), str(tmp_path), server.url], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        cameras = os.pidfd_open(int(parent.stdout.readline()))
        reader = Session(tmp_path, RingWriter(tmp_path / "unused", slot_bytes=64, slots=1))
        assert soon(reader.statuses()).state == "ready"
        parent.kill()
        ended, _, _ = select.select([cameras], [], [], PATIENCE_S)
        assert ended == [cameras]
        os.close(cameras)


def test_columns_are_known_without_opening_anything() -> None:
    camera = build_camera(FACTORY, evolve(CONFIG, index_or_path="/dev/video63"))
    assert camera_columns({"front": camera}) == [CameraColumn(name="front", height=120, width=160, channels=3)]
