"""How long after a session's death goals still change: by packets that are made up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.kills.rounds import Wire
from hilt_robot_emulated.wire import WireEntry, WireLog

PERIOD_NS = 10_000_000
DEATH_NS = 100 * PERIOD_NS


class Tape:
    """What the servos of a bench in this folder get, one packet a period. The death comes with the hundredth."""

    def __init__(self, folder: Path) -> None:
        self._log, self._sent = WireLog(folder), 0
        self.wire = Wire(folder)

    def send(self, *steps: int, arm: str = "robot") -> None:
        for step in steps:
            self._sent += 1
            self._log.add(WireEntry(arrival_ns=self._sent * PERIOD_NS, arm=arm, goals={1: step}))

    @property
    def hold_ms(self) -> float | None:
        self.wire.look()
        return self.wire.hold_ms(DEATH_NS)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    tape = Tape(tmp_path)
    yield tape
    tape.wire.close()


def test_a_hold_ends_with_the_last_goal_that_differs(tape: Tape) -> None:
    tape.send(*range(107), *[106] * 20)
    assert tape.hold_ms == 70.0


def test_an_arm_that_stopped_with_the_session(tape: Tape) -> None:
    tape.send(*range(98), *[97] * 20)
    assert tape.hold_ms == 0.0


def test_without_motion_there_is_no_hold(tape: Tape) -> None:
    tape.send(*range(90), *[89] * 30)
    assert tape.hold_ms is None


def test_a_leader_that_moves_is_no_motion(tape: Tape) -> None:
    for step in range(60):
        tape.send(0)
        tape.send(step, arm="leader")
    assert tape.hold_ms is None


def test_what_was_before_is_forgotten(tape: Tape) -> None:
    tape.send(*range(95))
    tape.wire.look()
    tape.wire.forget()
    tape.send(*range(95, 120))
    assert tape.hold_ms is None
