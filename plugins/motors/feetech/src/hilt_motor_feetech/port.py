"""A serial port that is ours alone and that waits without spinning."""

import contextlib
import errno
import os
import select
import sys
import time
from pathlib import Path

import serial

from hilt_hooks import ConnectError, DeviceLost
from hilt_hooks.usb import SERIAL_PORTS, listed, located, usb_devices

_WRITE_PATIENCE_S = 0.01


class Port:
    """Raw bytes, 8N1. After `open`, everything goes through the file descriptor; every loss is a DeviceLost.

    path: of the port, or `serial:` and the serial number of its USB adapter, which is looked up at every `open`.
    """

    def __init__(self, path: str, baud: int) -> None:
        self.path, self.baud = path, baud
        self._serial: serial.Serial | None = None
        self._fd = -1

    @property
    def is_open(self) -> bool:
        return self._fd >= 0

    def open(self) -> None:
        """Raises ConnectError: no such port, no permission, or another program has it."""
        path = located(self.path, SERIAL_PORTS)
        try:
            self._serial = serial.Serial(path, self.baud, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            raise ConnectError(_why(path, error)) from error
        self._fd = self._serial.fileno()
        os.set_blocking(self._fd, False)

    def close(self) -> None:
        """In every state; a port that is gone counts as closed."""
        self._fd = -1
        if self._serial is not None:
            with contextlib.suppress(OSError):
                self._serial.close()
            self._serial = None

    def write(self, data: bytes | bytearray) -> None:
        try:
            if os.write(self._fd, data) != len(data):
                raise self._lost("took only part of a packet")
        except BlockingIOError:
            self._write_later(data)
        except OSError as error:
            raise self._lost(error.strerror) from error

    def read_into(self, buffer: bytearray, until_ns: int) -> bool:
        """Wait until bytes arrive and append them. False if none had come by `until_ns` (monotonic)."""
        wait_s = (until_ns - time.monotonic_ns()) / 1e9
        try:
            ready, _, _ = select.select((self._fd,), (), (), max(0.0, wait_s))
            if not ready:
                return False
            data = os.read(self._fd, 4096)
        except (OSError, ValueError) as error:
            raise self._lost(str(error)) from error
        if not data:
            raise self._lost("end of file")
        buffer += data
        return True

    def discard(self) -> None:
        """Drop what has arrived: answers to an earlier question."""
        try:
            os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            raise self._lost(error.strerror) from error

    def _write_later(self, data: bytes | bytearray) -> None:
        try:
            _, ready, _ = select.select((), (self._fd,), (), _WRITE_PATIENCE_S)
            if ready and os.write(self._fd, data) == len(data):
                return
        except OSError as error:
            raise self._lost(error.strerror) from error
        raise self._lost("takes no more data")

    def _lost(self, reason: str | None) -> DeviceLost:
        if self._serial is None:
            return DeviceLost(f"{self.path}: not connected")
        return DeviceLost(f"{self.path}: connection lost ({reason}); check the USB cable and the power of the arm")


def _why(path: str, error: Exception) -> str:
    if not os.path.exists(path):
        return f"{path}: no such port; {_present()}; `hilt find-port` tells which is which"
    if isinstance(error.__context__, BlockingIOError) or getattr(error, "errno", None) == errno.EBUSY:
        return f"{path}: in use by {_holder(path)}"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{path}: no permission; run: sudo usermod -a -G {_group(path)} $USER, then log in again"
    return f"{path}: cannot be opened: {error}"


def _present() -> str:
    if sys.platform == "linux":
        return listed(usb_devices(SERIAL_PORTS), SERIAL_PORTS)
    return f"serial ports here: {', '.join(sorted(map(str, Path('/dev').glob('cu.usb*')))) or 'none'}"


def _group(path: str) -> str:
    """Who may open the port besides root."""
    with contextlib.suppress(OSError, KeyError):
        if (group := Path(path).group()) != "root":
            return group
    return "dialout"


_RELIEVE = (
    "end its session. If that is gone, start another one with this arm: it takes the arm over, and asks at its end whether to "
    "release the torque"
)


def _holder(path: str) -> str:
    """Which process has the lock, where the system tells (Linux)."""
    try:
        status, locks = os.stat(path), Path("/proc/locks").read_text()
    except OSError:
        return "another program; end it first"
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    pid = next((line.split()[4] for line in locks.splitlines() if f" {device} " in line), None)
    if pid in (None, "0"):  # 0: a process of another container
        return "another program; end it first"
    if pid == str(os.getpid()):
        return f"this very program (process {pid}): give each device its own port"
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/comm").read_text().strip() == "hilt-rig":
            return f"the process {pid} of hilt that holds the arm; {_RELIEVE}"
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return f"process {pid} ({command[:80]}); end it first"
    return f"process {pid}; end it first"
