"""The fields of LeRobot's `opencv` camera, under their names there."""

from attrs import frozen

from hilt_hooks import option

BACKENDS = ("ANY", "V4L2", "AVFOUNDATION", "DSHOW", "MSMF", "FFMPEG", "GSTREAMER", "ANDROID", "PVAPI")


@frozen(kw_only=True)
class OpenCVConfig:
    """width and height are those of the frames that come out, after `rotation`."""

    index_or_path: int | str = option(
        help="Index of the camera, its path (best under /dev/v4l/by-id), serial:<USB serial number>, a URL, or a video file"
    )
    fps: float = option(help="Frames a second", unit="Hz", minimum=1)
    width: int = option(help="Width of a frame, after rotation", unit="px", minimum=1)
    height: int = option(help="Height of a frame, after rotation", unit="px", minimum=1)
    color_mode: str = option("rgb", help="Order of the colours", choices=("rgb", "bgr"))
    rotation: int = option(0, help="How far a frame is turned, clockwise", unit="deg", choices=(0, 90, 180, -90))
    warmup_s: float = option(1.0, help="How long frames are thrown away while the exposure settles", unit="s", minimum=0)
    fourcc: str | None = option(None, help="Pixel format, such as MJPG or YUYV; by default MJPG where the camera has it")
    backend: str = option("ANY", help="OpenCV's capture backend", choices=BACKENDS)
