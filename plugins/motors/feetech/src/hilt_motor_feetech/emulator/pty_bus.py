"""A servo chain behind a pseudo-terminal, for any program that opens a serial port."""

import contextlib
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from hilt_motor_feetech.emulator.chain import ServoChain
from hilt_motor_feetech.table import BAUD_RATES

_TCGETS2, _TERMIOS2 = 0x802C542A, struct.Struct("4I20B2I")
"""Linux: the call that tells rates which have no name, and the structure that it fills; the last field is the rate."""


def host_baud(terminal: int) -> int | None:
    """The rate that the driver has set on its end of a pseudo-terminal, None where the system does not tell."""
    import fcntl
    import termios

    if sys.platform == "linux":
        return int(_TERMIOS2.unpack(fcntl.ioctl(terminal, _TCGETS2, bytes(_TERMIOS2.size)))[-1])
    speed = termios.tcgetattr(terminal)[5]
    return next((baud for baud in BAUD_RATES.values() if getattr(termios, f"B{baud}", None) == speed), None)


class PtyBus:
    """A servo chain behind a serial port. Whoever owns it calls `pump` when `fileno` is readable or an answer is due.

    port: what a driver opens. on_sync_write: called with (time in monotonic ns, motor id -> goal) for each goal packet.
    """

    def __init__(self, chain: ServoChain, link: Path | None = None) -> None:
        """link: a symbolic link that keeps naming the port when it is unplugged and comes back under another name."""
        self.chain = chain
        self.on_sync_write = chain.on_sync_write
        self._link = link
        self._plug = threading.Lock()
        self._master = self._slave = -1
        self.port = ""
        self.replug()

    def fileno(self) -> int:
        """-1 while unplugged."""
        return self._master

    def pump(self, now_ns: int) -> int | None:
        """Handle what arrived, send what is due; when the next answer is due, None if none is."""
        with self._plug:
            if self._master < 0:
                self.chain.live(now_ns)
                return None
            try:
                self.chain.receive(os.read(self._master, 4096), now_ns, host_baud(self._slave))
            except BlockingIOError:  # nobody talks, but time passes
                self.chain.live(now_ns)
            if ready := self.chain.due(now_ns):
                # A host that does not read loses bytes, as it does on a wire.
                with contextlib.suppress(BlockingIOError):
                    os.write(self._master, ready)
            return self.chain.next_due_ns()

    def unplug(self) -> None:
        """Pull the USB plug: the port is gone, the servos keep their power. From any thread."""
        with self._plug:
            if self._master < 0:
                return
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            self.chain.forget()
            if self._link is not None:
                self._link.unlink(missing_ok=True)

    def replug(self) -> None:
        """Put the plug back in. `port` may have changed, unless there is a link."""
        # Imported here: Windows has neither, and only this method needs them.
        import pty
        import tty

        with self._plug:
            if self._master >= 0:
                return
            # The slave stays open here: otherwise the master reports an error whenever no driver is connected.
            master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(master, False)
            self.port = os.ttyname(self._slave)
            if self._link is not None:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(self.port)
                self.port = str(self._link)
            self._master = master

    def close(self) -> None:
        self.unplug()


class Stop(Protocol):
    """An event of threading or of multiprocessing."""

    def is_set(self) -> bool: ...


def serve(buses: Sequence[PtyBus], stop: Stop) -> None:
    """Answer for `buses` until `stop` is set. Runs in a thread or a process of its own."""
    while not stop.is_set():
        now = time.monotonic_ns()
        due = [at for bus in buses if (at := bus.pump(now)) is not None]
        wait_s = min(0.02, max(0.0, (min(due) - time.monotonic_ns()) / 1e9)) if due else 0.02
        waiting = [fd for bus in buses if (fd := bus.fileno()) >= 0]
        with contextlib.suppress(OSError):  # unplugged by another thread meanwhile
            select.select(waiting, [], [], wait_s)


@contextlib.contextmanager
def serving(*buses: PtyBus) -> Iterator[None]:
    """Answer for `buses` in a thread, for tests; they are closed at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(buses, stop), name="servos")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for bus in buses:
            bus.close()
