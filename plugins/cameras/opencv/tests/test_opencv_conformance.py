"""The conformance kit on a network camera that serves numbered frames."""

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve

from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import MjpegServer
from hilt_camera_opencv.plugin import hilt_cameras
from hilt_hooks.testing import CameraRig, Check, check_camera, conformance

(OPENCV,) = hilt_cameras()
CONFIG = OpenCVConfig(index_or_path="", fps=50, width=160, height=120, warmup_s=0)


@contextmanager
def rig() -> Iterator[CameraRig]:
    with MjpegServer(CONFIG) as server:
        yield CameraRig(
            config=evolve(CONFIG, index_or_path=server.url),
            unplug=server.close,
            replug=server.start,
            freeze=server.freeze,
            captured=lambda frame: server.captured_ns(frame.image),
            absent=evolve(CONFIG, index_or_path="http://127.0.0.1:9/"),
        )


EXEMPT = {"C15": "it names the address that does not answer; there is no list of network cameras"}


@conformance(check_camera(OPENCV, rig, module="hilt_camera_opencv.plugin"), EXEMPT)
def test_opencv(check: Check) -> None:
    check.run()
