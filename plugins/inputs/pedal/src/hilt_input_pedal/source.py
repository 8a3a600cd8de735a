"""Opening an event device: for this program alone, or with an error that says what to run."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import Protocol

import evdev

from hilt_hooks import ConnectError

_BY_ID = Path("/dev/input/by-id")
_SERIAL = re.compile(r"usb-(?P<serial>.+?)(?:-if\d+)?-event-\w+")
_RULES = "/etc/udev/rules.d/70-hilt-pedal.rules"


class Source(Protocol):
    """What gives events: a descriptor to read, without blocking."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


def open_source(path: str) -> Source:
    """An event device, grabbed so that the letters are typed into no window; or a FIFO with such a device's bytes.

    Raises ConnectError.
    """
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            return open(path, "rb", buffering=0, opener=_without_blocking)
        return _grabbed(path)
    except OSError as error:
        raise ConnectError(f"pedal: {_explain(path, error)}") from error


def _without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _grabbed(path: str) -> Source:
    device = evdev.InputDevice(path)
    try:
        device.grab()
    except OSError:
        device.close()
        raise
    return device


def _explain(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return f"{path} is not there; plug it in, or set `device_path` to one of: {_others()}"
        case errno.EACCES | errno.EPERM:
            return f"{path} may not be read; {_permit(path)}"
        case errno.EBUSY:
            return f"another program holds {path}; `sudo fuser -v {path}` names it"
        case errno.ENOTTY | errno.EINVAL:
            return f"{path} is not an event device; set `device_path` to one of: {_others()}"
        case _:
            return f"cannot open {path}: {error.strerror}"


def _others() -> str:
    found = sorted(str(path) for path in _BY_ID.glob("*-event-kbd")) if _BY_ID.is_dir() else []
    return ", ".join(found) or f"(no keyboard or pedal in {_BY_ID})"


def _permit(path: str) -> str:
    """Commands that permit it: until the pedal is unplugged, and, where its name tells how to match it, for good."""
    once = f"run: sudo setfacl -m u:$USER:rw {path}"
    match = _SERIAL.fullmatch(Path(path).name)
    if match is None:
        return once
    rule = f'SUBSYSTEM=="input", ENV{{ID_SERIAL}}=="{match["serial"]}", TAG+="uaccess"'
    return f"{once}; or, for good: echo '{rule}' | sudo tee {_RULES} && sudo udevadm control --reload && sudo udevadm trigger"
