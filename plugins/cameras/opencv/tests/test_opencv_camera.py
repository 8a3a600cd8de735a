import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from attrs import evolve

from hilt_camera_opencv.camera import OpenCVCamera
from hilt_camera_opencv.capture import Kind, Mode, Source, capture_time_ns, negotiate, wanted
from hilt_camera_opencv.config import OpenCVConfig
from hilt_camera_opencv.emulator import BAND, MjpegServer, draw, number_of
from hilt_hooks import Camera, ConnectError, DeviceLost, Frame

WIDTH, HEIGHT, FPS = 160, 120, 50
CONFIG = OpenCVConfig(index_or_path="", fps=FPS, width=WIDTH, height=HEIGHT, warmup_s=0)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with MjpegServer(CONFIG) as running:
        yield running


@pytest.fixture
def camera(server: MjpegServer) -> Iterator[OpenCVCamera]:
    device = OpenCVCamera(evolve(CONFIG, index_or_path=server.url))
    device.connect()
    yield device
    device.disconnect()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "numbered.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    for number in range(20):
        writer.write(cv2.cvtColor(draw(number, WIDTH, HEIGHT), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def read_on(camera: OpenCVCamera, timeout_s: float, frames: list[Frame] | None = None) -> None:
    """Read, and keep, frames until it raises."""
    while True:
        frame = camera.read(timeout_s)
        if frames is not None:
            frames.append(frame)


def colours(image: np.ndarray) -> list[tuple[int, ...]]:
    """The band of colours, from left to right, each rounded to 0 or 255."""
    row, step = image[HEIGHT // 4], WIDTH // len(BAND)
    return [tuple(int(value > 127) * 255 for value in row[step // 2 + n * step]) for n in range(len(BAND))]


def test_stream_is_known_before_connect() -> None:
    camera = OpenCVCamera(CONFIG)
    (stream,) = camera.streams
    assert (stream.name, stream.shape, stream.dtype) == ("", (HEIGHT, WIDTH, 3), "uint8")
    assert camera.fps == FPS
    assert isinstance(camera, Camera)


def test_frames_are_new_whole_and_in_colour(camera: OpenCVCamera) -> None:
    frames = [camera.read(5.0) for _ in range(10)]
    for before, after in itertools.pairwise(frames):
        assert after.sequence > before.sequence
        assert after.time_ns > before.time_ns
        assert number_of(after.image) - number_of(before.image) == after.sequence - before.sequence
    assert frames[0].image.shape == (HEIGHT, WIDTH, 3)
    assert frames[0].image.dtype == np.uint8
    assert colours(frames[0].image) == list(BAND)


def test_bgr(server: MjpegServer) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=server.url, color_mode="bgr"))
    camera.connect()
    assert colours(camera.read(5.0).image) == [colour[::-1] for colour in BAND]
    camera.disconnect()


@pytest.mark.parametrize(("rotation", "turns"), [(90, -1), (180, 2), (-90, 1)])
def test_rotation_gives_the_configured_size(rotation: int, turns: int) -> None:
    config = evolve(CONFIG, width=HEIGHT, height=WIDTH) if rotation in (90, -90) else CONFIG
    config = evolve(config, rotation=rotation)
    with MjpegServer(config) as server:
        camera = OpenCVCamera(evolve(config, index_or_path=server.url))
        camera.connect()
        image = camera.read(5.0).image
        camera.disconnect()
    assert image.shape == camera.streams[0].shape
    assert colours(np.rot90(image, -turns)) == list(BAND)


def test_warm_up_throws_frames_away(server: MjpegServer) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=server.url, warmup_s=0.3))
    camera.connect()
    assert camera.read(5.0).sequence > 0
    camera.disconnect()


def test_silence_is_a_timeout_and_the_stream_goes_on(camera: OpenCVCamera, server: MjpegServer) -> None:
    server.freeze()
    with pytest.raises(TimeoutError, match=r"no frame for 0\.2 s"):
        read_on(camera, 0.2)
    server.thaw()
    camera.read(5.0)


def test_disconnect_returns_while_the_driver_waits(camera: OpenCVCamera, server: MjpegServer) -> None:
    server.freeze()
    done = threading.Thread(target=camera.disconnect)
    done.start()
    done.join(30)
    assert not done.is_alive()
    with pytest.raises(DeviceLost, match="not connected"):
        camera.read(0.1)


def test_a_dead_server_is_device_lost_and_connect_brings_it_back(camera: OpenCVCamera, server: MjpegServer) -> None:
    frames = [camera.read(5.0)]
    server.close()
    with pytest.raises(DeviceLost, match="no more frames"):
        read_on(camera, 5.0, frames)
    camera.disconnect()
    with pytest.raises(ConnectError, match=f"{server.url} does not open"):
        camera.connect()
    server.start()
    camera.connect()
    frame = camera.read(5.0)
    assert frame.sequence > frames[-1].sequence
    assert number_of(frame.image) > number_of(frames[-1].image)


def test_another_size_is_refused_and_named(server: MjpegServer) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=server.url, width=320, height=240))
    with pytest.raises(ConnectError, match=r"asked for 320x240 at 50 fps, it gives 160x120 .*set width, height"):
        camera.connect()
    camera.disconnect()


def test_a_file_plays_in_order_ends_and_plays_again(video: Path) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=str(video)))
    first_sequence = 0
    for _ in range(2):
        camera.connect()
        frames: list[Frame] = []
        with pytest.raises(DeviceLost, match="the video has ended"):
            read_on(camera, 5.0, frames)
        numbers = [number_of(frame.image) for frame in frames]
        assert numbers == [frame.sequence - first_sequence for frame in frames]
        assert numbers[-1] == 19
        camera.disconnect()
        first_sequence = frames[-1].sequence + 1


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/dev/video63", "is not there; cameras here"),
        (63, "/dev/video63 is not there"),
        ("no-such-file.mp4", "there is no such file"),
        (__file__, "no video that OpenCV reads"),
        ("http://127.0.0.1:9/", "is its server running"),
    ],
)
def test_what_does_not_open_says_why(path: int | str, advice: str) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=path))
    for _ in range(2):
        with pytest.raises(ConnectError, match=advice):
            camera.connect()
        camera.disconnect()
    camera.disconnect()


def test_no_thread_is_left_after_disconnect(server: MjpegServer) -> None:
    camera = OpenCVCamera(evolve(CONFIG, index_or_path=server.url))
    for _ in range(3):
        camera.connect()
        camera.connect()
        camera.read(5.0)
        camera.disconnect()
        camera.disconnect()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camera ")]


@pytest.mark.parametrize(
    ("given", "address", "kind"),
    [
        (0, 0, Kind.DEVICE),
        ("2", 2, Kind.DEVICE),
        ("/dev/v4l/by-id/usb-cam", "/dev/v4l/by-id/usb-cam", Kind.DEVICE),
        ("rtsp://host/stream", "rtsp://host/stream", Kind.STREAM),
        ("takes/one.mp4", "takes/one.mp4", Kind.FILE),
    ],
)
def test_what_an_address_means(given: int | str, address: int | str, kind: Kind) -> None:
    assert Source.of(given) == Source(address, kind)


def test_capture_time_is_the_stamp_only_where_it_can_be_one() -> None:
    arrival = 5_000_000_000
    assert capture_time_ns("V4L2", 4990.0, arrival) == 4_990_000_000
    assert capture_time_ns("V4L2", 5001.0, arrival) == arrival
    assert capture_time_ns("V4L2", 0.0, arrival) == arrival
    assert capture_time_ns("FFMPEG", 4990.0, arrival) == arrival


class UvcCamera:
    """How a UVC camera takes wishes: each format has its modes, and what it does not have becomes the nearest."""

    def __init__(self, modes: dict[str, list[tuple[int, int, int]]]) -> None:
        self._modes = modes
        self._format = next(iter(modes))
        self._wish = [640, 480, 30]

    def set(self, propId: int, value: float, /) -> bool:  # noqa: N803
        if propId == cv2.CAP_PROP_FOURCC:
            name = int(value).to_bytes(4, "little").decode()
            self._format = name if name in self._modes else self._format
            return name in self._modes
        order = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        self._wish[order.index(propId)] = int(value)
        return True

    def get(self, propId: int, /) -> float:  # noqa: N803
        width, height, fps = min(
            self._modes[self._format], key=lambda mode: sum(abs(a - b) for a, b in zip(mode, self._wish, strict=True))
        )
        return {
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*self._format)),
            cv2.CAP_PROP_FRAME_WIDTH: float(width),
            cv2.CAP_PROP_FRAME_HEIGHT: float(height),
            cv2.CAP_PROP_FPS: float(fps),
        }[propId]


WEBCAM = {"YUYV": [(640, 480, 30), (1280, 720, 9), (424, 240, 30)], "MJPG": [(640, 480, 30), (1280, 720, 30)]}
BY_DEFAULT = ("MJPG", "YUYV")


@pytest.mark.parametrize(
    ("mode", "formats", "chosen"),
    [
        (Mode(1280, 720, 30), BY_DEFAULT, "MJPG"),
        (Mode(424, 240, 30), BY_DEFAULT, "YUYV"),
        (Mode(640, 480, 30, "YUYV"), ("YUYV",), "YUYV"),
    ],
)
def test_the_first_format_that_has_the_mode_is_taken(mode: Mode, formats: tuple[str, ...], chosen: str) -> None:
    device = UvcCamera(WEBCAM)
    negotiate(device, Source(0, Kind.DEVICE), mode, formats)
    assert device.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*chosen)


@pytest.mark.parametrize(
    ("mode", "formats", "offers"),
    [
        (Mode(1920, 1080, 30), BY_DEFAULT, "1280x720 at 30 fps MJPG, or 1280x720 at 9 fps YUYV"),
        (Mode(1280, 720, 60), BY_DEFAULT, "1280x720 at 30 fps MJPG"),
        (Mode(640, 480, 30, "H264"), ("H264",), "640x480 at 30 fps YUYV"),
    ],
)
def test_a_mode_that_it_does_not_have_is_refused_with_what_it_gives(mode: Mode, formats: tuple[str, ...], offers: str) -> None:
    with pytest.raises(ConnectError, match=f"camera 2: asked for {mode}, it gives {offers}.*v4l2-ctl -d /dev/video2"):
        negotiate(UvcCamera(WEBCAM), Source(2, Kind.DEVICE), mode, formats)


def test_the_captured_size_is_the_one_before_rotation() -> None:
    portrait = evolve(CONFIG, width=480, height=640, rotation=90)
    assert wanted(portrait) == Mode(640, 480, FPS)
    assert wanted(evolve(portrait, rotation=180)) == Mode(480, 640, FPS)


def test_a_program_may_end_while_connected(server: MjpegServer) -> None:
    code = f"""
from hilt_camera_opencv.camera import OpenCVCamera
from hilt_camera_opencv.config import OpenCVConfig
camera = OpenCVCamera(OpenCVConfig(index_or_path={server.url!r}, fps={FPS}, width={WIDTH}, height={HEIGHT}, warmup_s=0))
camera.connect()
camera.read(5.0)
"""
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_opencv_keeps_quiet_where_the_error_says_it() -> None:
    code = """
from hilt_camera_opencv.camera import OpenCVCamera
from hilt_camera_opencv.config import OpenCVConfig
from hilt_hooks import ConnectError
for path in (63, "/dev/video63", "http://127.0.0.1:9/", "nothing.mp4"):
    try:
        OpenCVCamera(OpenCVConfig(index_or_path=path, fps=30, width=640, height=480)).connect()
    except ConnectError:
        continue
    raise SystemExit(f"{path} opened")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_descriptor_is_light() -> None:
    code = """
import sys
from hilt_camera_opencv.plugin import hilt_cameras
assert "cv2" not in sys.modules
(descriptor,) = hilt_cameras()
module, _, attribute = descriptor.factory.partition(":")
getattr(__import__(module, fromlist=[attribute]), attribute)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
