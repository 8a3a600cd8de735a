"""What tells a camera from its twin."""

import os
from collections.abc import Mapping

from hilt_camera_opencv.capture import Kind, Source
from hilt_hooks import ConnectError
from hilt_hooks.usb import CAMERAS, located, root, usb_devices


def identity(source: Source) -> Mapping[str, str]:
    """usb: bus and ports, such as 1-2.3. speed: Mbit/s. Empty where the system does not tell."""
    if source.kind is not Kind.DEVICE:
        return {"address": str(source.address)}
    path = _path(source)
    device = next((each for each in usb_devices(CAMERAS) if os.path.realpath(each.path) == os.path.realpath(path)), None)
    if device is None:
        return {"path": path}
    known = {"usb": device.place, "speed": device.speed, "serial": device.serial}
    return {"path": path, "device": str(device)} | {key: value for key, value in known.items() if value}


def _path(source: Source) -> str:
    if isinstance(source.address, int):
        return str(root() / f"dev/video{source.address}")
    try:
        return located(source.address, CAMERAS)
    except ConnectError:
        return source.address
