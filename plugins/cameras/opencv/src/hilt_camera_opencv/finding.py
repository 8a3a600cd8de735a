"""Which cameras there are: those that are plugged in, and network cameras whose address is known."""

import sys
from collections.abc import Iterator, Sequence

import cv2

from hilt_camera_opencv.capture import Mode, Source, achieved, open_as_it_is
from hilt_camera_opencv.modes import DeviceMode, modes_of
from hilt_hooks import ConnectError, FoundCamera
from hilt_hooks.usb import CAMERAS, UsbDevice, usb_devices

_USUAL = (640, 480)
_USUAL_FPS = 30.0
_FORMATS = ("MJPG", "YUYV")
_INDICES = range(4)
"""Tried where the system does not list its cameras."""


def find(addresses: Sequence[str]) -> list[FoundCamera]:
    """Each with the fields that configure it, at 640x480 and 30 frames a second where it has that."""
    if sys.platform == "linux":
        here = [_described(device) for device in usb_devices(CAMERAS)]
    else:
        here = [found for index in _INDICES if not (found := _opened(index)).problem]
    return [*here, *map(_opened, addresses)]


def best(modes: Sequence[DeviceMode]) -> DeviceMode:
    """The mode to begin with: of the usual size if there is one, compressed if possible, else the first that is listed."""
    usual = [mode for mode in modes if (mode.width, mode.height) == _USUAL]
    fit = [mode for fourcc in _FORMATS for mode in usual if mode.fourcc == fourcc]
    return next(iter((*fit, *usual, *modes)))


def _described(device: UsbDevice) -> FoundCamera:
    try:
        modes = modes_of(device.path)
    except PermissionError:
        return FoundCamera({}, str(device), problem="no permission; run: sudo usermod -a -G video $USER, then log in again")
    except OSError as error:
        return FoundCamera({}, str(device), problem=f"cannot be opened: {error.strerror}")
    if not modes:
        return FoundCamera({}, str(device), problem="its driver lists no images; is it a camera?")
    mode = best(modes)
    rate = _USUAL_FPS if _USUAL_FPS in mode.rates or not mode.rates else mode.rates[0]
    return FoundCamera(_fields(device.name, mode.width, mode.height, rate), str(device), tuple(_lines(modes)))


def _lines(modes: Sequence[DeviceMode]) -> Iterator[str]:
    """A line for each size, largest first, with the formats that have it."""
    sizes = sorted({(mode.width, mode.height) for mode in modes}, reverse=True)
    for width, height in sizes:
        of_size = [mode for mode in modes if (mode.width, mode.height) == (width, height)]
        told = ", ".join(f"{mode.fourcc} {'/'.join(f'{rate:g}' for rate in mode.rates) or '?'} fps" for mode in of_size)
        yield f"{width}x{height}: {told}"


def _opened(address: int | str) -> FoundCamera:
    """What a camera gives that has to be opened to be asked."""
    source = Source.of(address)
    try:
        capture = open_as_it_is(source)
    except ConnectError as error:
        return FoundCamera({}, str(source), problem=str(error))
    try:
        given, image = capture.read()
        mode: Mode = achieved(capture)
    except cv2.error as error:
        return FoundCamera({}, str(source), problem=f"failed: {error}")
    finally:
        capture.release()
    if not given:
        return FoundCamera({}, str(source), problem="it opens, but gives no image")
    height, width = image.shape[:2]
    return FoundCamera(_fields(address, width, height, mode.fps or _USUAL_FPS), str(source), (str(mode),))


def _fields(address: int | str, width: int, height: int, fps: float) -> dict[str, int | float | str]:
    return {"index_or_path": address, "width": width, "height": height, "fps": fps}
