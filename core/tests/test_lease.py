"""What the rig makes of a lease that is not renewed."""

import struct
import time
from pathlib import Path

import pytest

from hilt.ipc.lease import Lease, LeaseHolder

MS = 1_000_000
PAUSE = 40 * MS


class Clock:
    """A lease that is renewed and asked about at any time, in ms."""

    def __init__(self, path: Path) -> None:
        LeaseHolder(path)
        self._path, self._start_ns = path, time.monotonic_ns()
        self._lease = Lease(path)
        self.renew(0)

    def renew(self, at_ms: int) -> None:
        with open(self._path, "r+b") as file:
            file.write(struct.pack("q", self._start_ns + at_ms * MS))

    def silent(self, *at_ms: int) -> list[int]:
        return [self._lease.silent_ns(self._start_ns + at * MS, PAUSE) // MS for at in at_ms]


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "lease")


def test_silence_grows(clock: Clock) -> None:
    assert clock.silent(0, 20, 40, 60, 80) == [0, 20, 40, 60, 80]


def test_a_pause_of_the_machine_is_not_silence(clock: Clock) -> None:
    assert clock.silent(0, 20, 220, 240, 260) == [0, 20, 0, 20, 40]


def test_a_slow_caller_does_not_forgive_for_ever(clock: Clock) -> None:
    """Were every tick late, a session that is gone would otherwise never be missed."""
    assert clock.silent(0, 50, 100, 150) == [0, 0, 50, 100]


def test_after_a_renewal_it_may_happen_again(clock: Clock) -> None:
    assert clock.silent(0, 100) == [0, 0]
    clock.renew(110)
    assert clock.silent(120, 220, 320) == [10, 0, 100]
