"""What this distribution provides."""

from collections.abc import Sequence

from hilt_camera_opencv.config import OpenCVConfig
from hilt_hooks import CameraDescriptor, hookimpl


@hookimpl
def hilt_cameras() -> Sequence[CameraDescriptor]:
    return [
        CameraDescriptor(
            name="opencv",
            summary="USB cameras, network streams and video files through OpenCV",
            config=OpenCVConfig,
            factory="hilt_camera_opencv.camera:OpenCVCamera",
            emulator="hilt_camera_opencv.emulator:MjpegServer",
            capabilities=frozenset({"identify"}),
            finder="hilt_camera_opencv.finding:find",
            requires=("opencv-python-headless",),
        )
    ]
