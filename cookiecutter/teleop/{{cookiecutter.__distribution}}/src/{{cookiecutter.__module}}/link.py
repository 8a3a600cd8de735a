"""The connection to one leader. This is the file to replace: here it leads to a leader in memory."""

from hilt_hooks import Floats
from {{ cookiecutter.__module }}.emulator import EmulatedLeader, plugged_into


class Link:
    """Positions and targets are (n,) arrays, in the order and the units of `channels.SIGNALS`.

    Once the leader is gone, every method but `close` raises OSError.
    """

    def __init__(self, port: str) -> None:
        """No I/O: this runs before anything has been checked."""
        self._port = port
        self._leader: EmulatedLeader | None = None

    def open(self) -> None:
        """Must leave a torqued leader torqued and a limp one limp. Take the port for this program alone."""
        self._leader = plugged_into(self._port)

    def close(self) -> None:
        """Also when it is not open. Must not change the torque."""
        self._leader = None

    def positions(self, deadline_ns: int) -> Floats | None:
        """Measure. None if no answer has come by `deadline_ns` (`time.monotonic_ns()`)."""
        return self._there().positions()

    def move(self, targets: Floats) -> None:
        """Send targets. Waits neither for the motion nor for an answer."""
        self._there().move(targets)

    def limit_torque(self, percent: float) -> None:
        self._there().torque_limit = percent

    def torque(self) -> bool | None:
        """Ask the motors: True if all are torqued, False if none is, None if only some are."""
        return self._there().torque

    def set_torque(self, on: bool) -> None:
        self._there().set_torque(on)

    def _there(self) -> EmulatedLeader:
        if self._leader is None or not self._leader.plugged:
            raise OSError("no connection")
        return self._leader
