"""Safety filters, each a plugin that is really installed and runs in a real process; some of them in a real rig."""

import multiprocessing
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
from attrs import field, frozen

from hilt.config import Station, structure
from hilt.inference.process import create_chunks
from hilt.ipc.messages import ChunkMessage, Phase, Segment, SetMode, Source, Status, Stop, Tick, decode, encode
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import LEASE, SESSION, TICK, status_ring
from hilt.kernel import Registry
from hilt.rig.arms import Arms
from hilt.rig.engine import Engine, Filtered, Inputs, Sensed
from hilt.rig.filters import Filters, installed
from hilt.rig.leader import Handover
from hilt.rig.process import RigSetup, run
from hilt_hooks import ConnectError, Floats

PATIENCE_S = 40.0
NAMES = ("base.pos", "elbow.pos")
HERE = np.array([1.0, 2.0])
THERE = np.array([10.0, 20.0])

HEAD = """
import math, os, signal, sys, time
from pathlib import Path
from hilt_hooks import SafetyStop, Vector, hookimpl

@hookimpl
def hilt_filter_action(source, target, measured):
    once = Path(__file__).with_name("once")
"""

ROBOT = """
import time
import numpy as np
from attrs import frozen
from hilt_hooks import Limits, Reading, RobotDescriptor, Signal, TeleoperatorDescriptor, hookimpl

NAMES = ("base.pos", "elbow.pos")
SIGNALS = tuple(Signal(name, "deg") for name in NAMES)

@frozen(kw_only=True)
class Config:
    id: str = "test"

class Arm:
    action_signals = observation_signals = SIGNALS

    def __init__(self, config):
        self.pose, self.step = np.zeros(2), 0.0

    def connect(self): ...
    def disconnect(self): ...
    def hold(self): ...

    def write(self, command):
        self.pose = command.in_order(NAMES)

    def read(self, deadline_ns):
        self.pose = self.pose + self.step
        return Reading(NAMES, self.pose, np.full(2, time.monotonic_ns()), np.full(2, True))

def leader(config):
    arm = Arm(config)
    arm.step = 0.5
    return arm

@hookimpl
def hilt_robots():
    limits = {"*": Limits(-1000, 1000, velocity=90, acceleration=900)}
    return [RobotDescriptor(
        name="obedient", summary="Is where it is told to be", config=Config, factory="hilt_test_arms:Arm", limits=limits
    )]

@hookimpl
def hilt_teleoperators():
    return [TeleoperatorDescriptor(name="steady", summary="Never rests", config=Config, factory="hilt_test_arms:leader")]
"""

HANGS_ONCE = "once.exists() or (once.touch(), time.sleep(1e6)); return target"

RIG = """
import numpy as np
from hilt.ipc.messages import Source
from hilt.kernel import Registry
from hilt.rig.filters import installed
if __name__ == "__main__":
    filters = installed(Registry.discover(), ("a.pos",), ["left (hilt-test-left)"])
    filters(Source.HUMAN, np.zeros(1), np.zeros(1))
    input()
"""

STATION = {"robot": {"type": "obedient"}, "teleop": {"type": "steady"}}
HANDOVER = Handover()
Install = Callable[[str, str], Path]


@pytest.fixture
def start(install: Install) -> Iterator[Callable[..., Filters]]:
    """Installs a plugin for each body of a `hilt_filter_action`, and starts their filters."""
    running: list[Filters] = []

    def call(*bodies: str) -> Filters:
        path = [str(install(f"filter{number}", HEAD + f"    {body}\n")) for number, body in enumerate(bodies)]
        registry = Registry.discover(path=path)
        filters = installed(registry, NAMES, found(registry))
        assert filters is not None
        running.append(filters)
        return filters

    yield call
    for filters in running:
        filters.close()


def found(registry: Registry) -> list[str]:
    return [each.plugin for each in registry.filters()]


def ticks(filters: Filters, target: Floats = THERE) -> Iterator[Filtered]:
    """What a rig would get, tick for tick."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        yield filters(Source.HUMAN, target, HERE)
        filters.tend()
        time.sleep(0.002)
    pytest.fail("what was waited for did not come")


def values(filters: Filters, target: Floats = THERE) -> list[float]:
    """The first that gets through: on a busy machine an answer may come late."""
    return next(each.values.tolist() for each in ticks(filters, target) if each.values is not None)


def refusal(filters: Filters) -> str:
    """The first that is not about time."""
    return next(each.refused for each in ticks(filters) if each.refused and "took longer" not in each.refused)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return target", [10, 20]),
        ("return Vector(target.names, (target.values + measured.values) / 2)", [5.5, 11]),
        ("return Vector(target.names[::-1], target.values[::-1])", [10, 20]),
        ("return Vector(target.names, target.values * (source == 'human'))", [10, 20]),
    ],
    ids=["passes", "changes", "another order", "source"],
)
def test_what_a_filter_makes_of_a_target(start: Callable[..., Filters], body: str, expected: list[float]) -> None:
    assert values(start(body)) == expected


def test_filters_are_called_one_after_the_other(start: Callable[..., Filters]) -> None:
    double, add = "return Vector(target.names, target.values * 2)", "return Vector(target.names, target.values + 1)"
    assert values(start(double, add)) in ([21, 41], [22, 42])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise SafetyStop('the cup is in the way')", "refuses: the cup is in the way"),
        ("return 1 / 0", "raised ZeroDivisionError: division by zero"),
        (
            "return Vector((*target.names, 'base.pos'), [*target.values, 7.0])",
            "gave a channel more than once: base.pos, elbow.pos, base.pos",
        ),
        ("return Vector(target.names, [math.nan, 0])", "gave no finite number for base.pos"),
        (
            "return Vector(('base.pos', 'knee.pos'), [0, 0])",
            "gave other channels: channels do not match: missing ['elbow.pos'], surplus ['knee.pos']",
        ),
        ("return None", "gave None, not a Vector"),
        ("raise SystemExit(3)", "ended its process; it is being started again"),
    ],
    ids=["refuses", "raises", "twice", "nan", "names", "nothing", "exits"],
)
def test_the_plugin_is_named_and_the_others_are_not(start: Callable[..., Filters], body: str, message: str) -> None:
    assert refusal(start("return target", body)) == f"holding: filter filter1 (hilt-test-filter1) {message}"


def test_one_that_overruns_is_named_each_time_and_keeps_its_process(start: Callable[..., Filters]) -> None:
    filters = start("return target", "time.sleep(0.05); return target")
    said = [each.refused for each, _ in zip(ticks(filters), range(100), strict=False)]
    assert said.count("holding: filter filter1 (hilt-test-filter1) took longer than 2 ms") > 50
    assert all("took longer" in each for each in said)


def test_one_that_hangs_is_replaced_while_the_rig_ticks(start: Callable[..., Filters]) -> None:
    filters = start(HANGS_ONCE)
    said = []
    for each in ticks(filters):
        said.append(each.refused)
        if each.values is not None:
            break
    assert "holding: filter filter0 (hilt-test-filter0) took longer than 2 ms" in said
    assert "holding: filter filter0 (hilt-test-filter0) hung; it is being started again" in said


def test_filters_that_cannot_be_loaded_again_keep_the_arm_still(install: Install) -> None:
    broken = "import multiprocessing\nassert multiprocessing.parent_process() is None\n"
    path = [str(install("fragile", broken + HEAD + "    return target\n"))]
    with pytest.raises(ConnectError, match=r"filters were fragile \(hilt-test-fragile\), and are now none\)$"):
        installed(Registry.discover(path=path), NAMES, ["fragile (hilt-test-fragile)"])


def test_without_filters_there_is_nothing_to_ask() -> None:
    assert installed(Registry.discover(path=[]), NAMES, []) is None


@pytest.mark.parametrize("change", [lambda _: [], lambda there: there[::-1], lambda there: [*there, "gone (lab)"]])
def test_others_than_the_session_was_checked_with_are_refused(install: Install, change: Callable[[list[str]], list[str]]) -> None:
    path = [str(install(f"filter{number}", HEAD + "    return target\n")) for number in range(2)]
    registry = Registry.discover(path=path)
    there = found(registry)
    with pytest.raises(ConnectError) as caught:
        installed(registry, NAMES, change(there))
    were, now = ", ".join(change(there)) or "none", ", ".join(there)
    assert f"they were {were}, and the rig finds {now}; see" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for another's child needs Linux")
@pytest.mark.parametrize("body", ["return target", "time.sleep(1e6)"], ids=["idle", "hung"])
def test_the_process_ends_with_its_rig(install: Install, tmp_path: Path, body: str) -> None:
    folder = install("left", HEAD + f"    print(os.getpid(), flush=True); {body}\n")
    script = tmp_path / "rig.py"
    script.write_text(RIG)
    environment = os.environ | {"PYTHONPATH": str(folder)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as rig:
        assert rig.stdout is not None
        filters = os.pidfd_open(int(rig.stdout.readline()))
        rig.kill()
        ended, _, _ = select.select([filters], [], [], PATIENCE_S)
        os.close(filters)
    assert ended


@frozen
class Running:
    """A rig with an arm that is where it is told to be, and a person who never rests."""

    run_dir: Path
    session: RingWriter
    process: BaseProcess
    seen: list[Tick] = field(factory=list)

    def ticks(self) -> Iterator[Tick]:
        deadline = time.monotonic() + PATIENCE_S
        path = self.run_dir / TICK
        while not path.exists():
            assert time.monotonic() < deadline, self._said()
            time.sleep(0.005)
        ring = RingReader(path, after=0)
        while time.monotonic() < deadline:
            for tick in map(decode, ring.drain()):
                assert isinstance(tick, Tick)
                self.seen.append(tick)
                yield tick
            assert ring.lost == 0
            time.sleep(0.005)
        pytest.fail("what was waited for did not come")

    def drive(self) -> None:
        mode = SetMode(phase=Phase.HUMAN, source=Source.HUMAN, segment=Segment.CORRECTION, episode=0, epoch=0, recorded=True)
        self.session.write(encode(mode))

    def _said(self) -> str:
        ring = RingReader(self.run_dir / status_ring("rig"), after=0)
        return "; ".join(status.detail for status in map(decode, ring.drain()) if isinstance(status, Status))


@pytest.fixture
def rig(install: Install, tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    """Starts one with a filter of this body. Its session never fails to answer."""
    running: list[Running] = []

    def call(body: str) -> Running:
        install("arms", ROBOT)
        install("filter", HEAD + f"    {body}\n")
        (tmp_path / LEASE).write_bytes(struct.pack("q", 1 << 62))
        session = RingWriter(tmp_path / SESSION, slot_bytes=4096, slots=64)
        create_chunks(tmp_path).close()
        setup = RigSetup(run_dir=tmp_path, station=STATION, fps=50, interpolation=1, filters=["filter (hilt-test-filter)"])
        process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
        process.start()
        running.append(Running(tmp_path, session, process))
        running[0].drive()
        return running[0]

    yield call
    for each in running:
        each.session.write(encode(Stop()))
        each.process.join(PATIENCE_S)
        exitcode = each.process.exitcode
        each.process.kill()
        assert exitcode == 0


def test_a_rig_carries_out_what_the_filter_gave_and_logs_it(rig: Callable[[str], Running]) -> None:
    running = rig("return Vector(target.names, [min(target.values[0], 5), target.values[1]])")
    last = next(tick for tick in running.ticks() if tick.requested[0] > 20 and tick.filtered is not None)
    assert last.filtered == [5, last.requested[1]]
    assert last.sent[0] == 5
    assert last.sent[1] > 5
    assert max(tick.sent[0] for tick in running.seen) <= 5


def test_the_log_replays_to_the_same_commands(rig: Callable[[str], Running]) -> None:
    """With what the filter gave, not with the filter: this one never gives the same twice."""
    running = rig("import random; r = random.random(); return 1 / 0 if r < 0.2 else Vector(target.names, target.values + r)")
    next(tick for tick in running.ticks() if sum(each.filtered is not None for each in running.seen) > 50)
    assert any(tick.refused for tick in running.seen)
    registry = Registry.discover()
    arms = Arms(structure(Station, STATION, registry), registry)
    robot, leader = arms.governors(0.02)
    now: list[Tick] = []
    engine = Engine(
        arms.layout(1, 0.02, HANDOVER), robot, leader, np.zeros(2), lambda *_: Filtered(_array(now[-1].filtered), now[-1].refused)
    )
    for tick, after in zip(running.seen, running.seen[1:], strict=False):
        now.append(tick)
        assert engine.decide(_inputs(tick)).robot.sent.tolist() == after.sent


def _array(values: list[float] | None) -> Floats | None:
    return None if values is None else np.array(values)


def _inputs(tick: Tick) -> Inputs:
    assert tick.leader is not None
    heard = [message for message in tick.inputs if isinstance(message, SetMode | ChunkMessage)]
    return Inputs(tick.k, Sensed(np.array(tick.measured)), Sensed(np.array(tick.leader)), heard, tick.lease_age_ns / 1e9)


def test_a_rig_ticks_on_and_holds_while_a_filter_hangs(rig: Callable[[str], Running]) -> None:
    running = rig("time.sleep(1e6)")
    refused: list[Tick] = []
    for tick in running.ticks():
        if tick.refused:
            refused.append(tick)
        again = [tick.refused for tick in refused if "hung" in tick.refused]
        if again and "took longer" in refused[-1].refused:
            break
    assert len({tick.k for tick in refused}) == len(refused) > 10
    assert all("filter filter (hilt-test-filter)" in tick.alarm for tick in refused)
    assert {tuple(tick.sent) for tick in refused} == {(0.0, 0.0)}
    assert {(tick.source, *tick.requested) for tick in refused} == {(Source.HOLD, 0.0, 0.0)}
    assert refused[-1].leader[0] > refused[0].leader[0]


def test_the_arm_moves_again_once_the_filter_answers(rig: Callable[[str], Running]) -> None:
    running = rig(HANGS_ONCE)
    moved = next(tick for tick in running.ticks() if tick.sent[0] > 5)
    assert moved.alarm == ""
    assert any("hung" in tick.alarm for tick in running.seen)


def test_what_is_not_finite_is_not_shown_to_filters(install: Install) -> None:
    path = [str(install("arms", ROBOT))]
    registry = Registry.discover(path=path)
    arms = Arms(structure(Station, STATION, registry), registry)
    robot, leader = arms.governors(0.02)
    asked = []

    def remember(source: Source, target: Floats, measured: Floats) -> Filtered:
        asked.append(target.tolist())
        return Filtered(target)

    engine = Engine(arms.layout(1, 0.02, HANDOVER), robot, leader, np.zeros(2), remember)
    mode = SetMode(phase=Phase.HUMAN, source=Source.HUMAN, segment=Segment.CORRECTION, episode=0, epoch=0, recorded=True)
    for k, pose in enumerate([[0.0, 0.0], [np.nan, 1.0], [2.0, 2.0]]):
        inputs = Inputs(k, Sensed(np.zeros(2)), Sensed(np.array(pose)), [mode], 0.0)
        decision = engine.decide(inputs)
        assert (decision.filtered is None) == bool(np.isnan(pose[0]))
    assert asked == [[0.0, 0.0], [2.0, 2.0]]
