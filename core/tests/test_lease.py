"""What the rig makes of a lease that is not renewed."""

import struct
import time
from pathlib import Path

import pytest

from hilt.ipc.lease import EXPIRES_S, Lease, LeaseHolder

MS = 1_000_000


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

    def silent(self, *at_ms: int, period_ms: int = 20) -> list[int]:
        return [self._lease.silent_ns(self._start_ns + at * MS, period_ms * MS) // MS for at in at_ms]


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "lease")


def test_silence_grows(clock: Clock) -> None:
    assert clock.silent(0, 20, 40, 60, 80) == [0, 20, 40, 60, 80]


def test_a_pause_of_the_machine_is_not_silence(clock: Clock) -> None:
    assert clock.silent(0, 20, 220, 240, 260) == [0, 20, 40, 60, 80]


def test_a_slow_caller_misses_it_after_as_many_calls(clock: Clock) -> None:
    assert clock.silent(0, 50, 100, 150) == [0, 20, 40, 60]


@pytest.mark.parametrize("period_ms", [100, 200])
def test_a_pause_of_the_machine_is_no_fault_at_low_rates_either(clock: Clock, period_ms: int) -> None:
    clock.renew(period_ms - 20)
    assert clock.silent(period_ms, period_ms=period_ms) == [20]
    paused, gone = clock.silent(4 * period_ms, 5 * period_ms, period_ms=period_ms)
    assert paused <= 1000 * EXPIRES_S < gone


def test_a_renewal_ends_the_silence(clock: Clock) -> None:
    assert clock.silent(0, 100, 200) == [0, 20, 40]
    clock.renew(210)
    assert clock.silent(215, 220, 320) == [5, 10, 30]
