"""What the rig knows of one arm: silences, torque, and what went wrong beside the tick. Arm and clock are in memory."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from waiting import soon

from hilt.rig.arms import Arm
from hilt_hooks import ConnectError, DeviceLost, Reading, SafetyStop, Signal, Vector

NAMES = ("base.pos", "elbow.pos")
TORQUE = frozenset({"torque"})
SECOND = 1_000_000_000


class Clock:
    """What the module `time` is to the rig: a busy machine makes no silence."""

    def __init__(self) -> None:
        self.now_ns = SECOND

    def monotonic_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / SECOND


class MemoryArm:
    """What is in `raises`, by method, its next calls raise. torque_takes_ns: what it takes to ask for the torque."""

    observation_signals = action_signals = tuple(Signal(name, "deg") for name in NAMES)

    def __init__(self, clock: Clock) -> None:
        self.clock, self.torque_takes_ns = clock, 0
        self.answers = [True, True]
        self.on: bool | None = True
        self.times = np.zeros(2, dtype=np.int64)
        self.asked = 0
        self.raises: dict[str, list[Exception]] = {}

    def connect(self) -> None:
        self._fail("connect")

    def disconnect(self) -> None: ...

    def read(self, deadline_ns: int) -> Reading:
        self._fail("read")
        fresh = np.array(self.answers)
        self.times = np.where(fresh, self.clock.now_ns, self.times)
        return Reading(NAMES, np.zeros(2), self.times.copy(), fresh)

    def write(self, action: Vector) -> None:
        self._fail("write")

    def hold(self) -> None:
        self.set_torque(True)

    def set_torque(self, on: bool) -> None:
        self._fail("set_torque")
        self.on = on

    def torque(self) -> bool | None:
        self._fail("torque")
        self.asked += 1
        self.clock.now_ns += self.torque_takes_ns
        return self.on

    def _fail(self, method: str) -> None:
        if self.raises.get(method):
            raise self.raises[method].pop(0)


class Bench:
    def __init__(self, clock: Clock, role: str = "robot", capabilities: frozenset[str] = TORQUE, hz: float = 60) -> None:
        self.clock, self.device, self._period_ns = clock, MemoryArm(clock), round(SECOND / hz)
        self.arm = Arm(role, self.device, capabilities, 1 / hz)
        if role == "robot":
            self.arm.hold()
        self.ticks(2)

    def ticks(self, count: int, *answers: bool) -> None:
        """So many readings; from now on these motors answer."""
        self.device.answers = list(answers or self.device.answers)
        for _ in range(count):
            self.clock.now_ns += self._period_ns
            self.arm.read(0)
            self.wait()

    def wait(self) -> None:
        """Until the arm's thread has done what it was given."""
        soon(lambda: None if self.arm.busy else True)

    def silence(self) -> None:
        """Longer than any that does not matter; the next reading is the first one after it."""
        self.clock.now_ns += SECOND

    def come_back(self) -> None:
        """A lost device is opened again."""
        self.clock.now_ns += 2 * SECOND
        self.arm.reconnect()
        self.wait()
        assert self.arm.lost == ""


Build = Callable[..., Bench]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    built: list[Bench] = []

    def call(*args: object, **kwargs: object) -> Bench:
        clock = Clock()
        monkeypatch.setattr("hilt.rig.arms.time", clock)
        built.append(Bench(clock, *args, **kwargs))  # type: ignore[arg-type]
        return built[-1]

    yield call
    for bench in built:
        bench.arm.close()


@pytest.fixture
def bench(build: Build) -> Bench:
    return build()


@pytest.mark.parametrize(("on", "problem"), [(False, "has lost its torque"), (None, "has lost its torque in part")])
def test_after_a_silence_a_robot_is_stiff_only_if_all_its_motors_say_so(bench: Bench, on: bool | None, problem: str) -> None:
    bench.silence()
    bench.ticks(1)
    assert (bench.device.asked, bench.arm.stiff, bench.arm.problem) == (1, True, "")
    bench.device.on = on
    bench.silence()
    bench.ticks(1)
    assert (bench.arm.stiff, bench.arm.problem) == (False, problem)


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_an_answer_that_is_missed_as_the_arm_comes_back_puts_the_question_off_and_does_not_drop_it(
    bench: Bench, answers: tuple[bool, bool]
) -> None:
    bench.device.on = False
    bench.silence()
    bench.ticks(1, *answers)
    bench.ticks(1, *(not each for each in answers))
    bench.ticks(1, True, True)
    assert (bench.device.asked, bench.arm.problem) == (1, "has lost its torque")


def test_the_question_is_asked_until_it_is_answered(bench: Bench) -> None:
    bench.device.on = False
    bench.device.raises["torque"] = [DeviceLost("gone again")]
    bench.silence()
    bench.ticks(1)
    assert (bench.arm.lost, bench.arm.stiff) == ("gone again", False)
    bench.come_back()
    bench.ticks(1)
    assert (bench.device.asked, bench.arm.problem) == (1, "has lost its torque")


def test_a_leader_that_was_away_for_a_moment_is_known_to_be_stiff_again(build: Build) -> None:
    bench = build("leader")
    bench.device.raises["read"] = [DeviceLost("unplugged")]
    bench.ticks(1)
    assert not bench.arm.stiff
    bench.come_back()
    bench.ticks(1)
    assert bench.arm.stiff


@pytest.mark.parametrize("hz", [5, 10, 60])
def test_ticks_that_are_far_apart_are_no_silence_and_neither_is_one_missed_answer(build: Build, hz: float) -> None:
    bench = build(hz=hz)
    bench.ticks(5)
    bench.ticks(1, True, False)
    bench.ticks(5, True, True)
    assert bench.device.asked == 0


def test_what_the_arm_itself_takes_long_for_is_no_silence(bench: Bench) -> None:
    """Else a check on a bad bus would lead to the next one."""
    bench.device.torque_takes_ns = SECOND // 2
    bench.silence()
    bench.ticks(5)
    assert bench.device.asked == 1


@pytest.mark.parametrize("method", ["torque", "set_torque", "connect"])
def test_what_no_driver_may_raise_is_a_loss_with_its_text(bench: Bench, method: str) -> None:
    bench.device.raises = {"connect": [], method: [OSError(5, "Input/output error")]}
    if method == "torque":
        bench.silence()
        bench.ticks(1)
    elif method == "set_torque":
        bench.arm.hold_again()
    else:
        bench.device.raises["read"] = [DeviceLost("unplugged")]
        bench.ticks(1)
        bench.arm.reconnect()
    bench.wait()
    assert bench.arm.lost == "OSError: [Errno 5] Input/output error"
    assert (bench.arm.stiff, bench.arm.problem) == (False, f"is lost: {bench.arm.lost}")


def test_a_device_that_cannot_be_opened_yet_stays_lost_for_the_reason_that_it_was_lost_for(bench: Bench) -> None:
    bench.device.raises = {"read": [DeviceLost("unplugged")], "connect": [ConnectError("no such port")]}
    bench.ticks(1)
    bench.arm.reconnect()
    bench.wait()
    assert bench.arm.lost == "unplugged"


def test_a_robot_that_has_no_torque_to_ask_for_is_lost_for_no_other_reason_than_it_was(build: Build) -> None:
    bench = build("robot", frozenset())
    bench.device.raises["read"] = [DeviceLost("unplugged")]
    bench.ticks(1)
    bench.come_back()
    bench.ticks(2)
    assert (bench.arm.problem, bench.device.asked) == ("is lost: unplugged", 0)


@pytest.mark.parametrize("role", ["robot", "leader"])
def test_motors_have_let_go_when_they_say_so(build: Build, role: str) -> None:
    bench = build(role)
    assert bench.arm.let_go() == ""
    assert (bench.device.on, bench.arm.stiff) == (False, False)


@pytest.mark.parametrize("error", [DeviceLost("elbow keeps it"), SafetyStop("elbow keeps it")])
def test_motors_that_do_not_say_so_may_still_be_stiff(bench: Bench, error: Exception) -> None:
    bench.device.raises["set_torque"] = [error]
    assert bench.arm.let_go() == "elbow keeps it"


def test_an_arm_that_is_lost_may_still_be_stiff(bench: Bench) -> None:
    bench.device.raises["read"] = [DeviceLost("unplugged")]
    bench.ticks(1)
    assert bench.arm.let_go() == "unplugged"


@pytest.mark.parametrize(("role", "why"), [("robot", "its driver cannot switch torque"), ("leader", "")])
def test_without_motors_that_can_be_switched_only_a_leader_has_nothing_to_let_go_of(build: Build, role: str, why: str) -> None:
    bench = build(role, frozenset())
    assert bench.arm.let_go().partition(";")[0] == why


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_driver_that_fails_in_a_tick_is_a_device_that_is_lost(method: str, bench: Bench) -> None:
    bench.device.raises[method] = [ZeroDivisionError("a bug")]
    bench.ticks(1)
    bench.arm.send("write", np.zeros(2))
    assert bench.arm.lost == "ZeroDivisionError: a bug"
    assert bench.arm.problem == "is lost: ZeroDivisionError: a bug"
