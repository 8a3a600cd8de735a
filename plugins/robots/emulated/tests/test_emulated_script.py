"""Scripts as files, and the scripted operator in a session of its own."""

import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from hilt.ipc.messages import Phase
from hilt.session.phases import OPERATOR_EVENTS, Event, State, step
from hilt_hooks import ConfigError, ConnectError, DeviceLost, Edge, Rehearses
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.config import ScriptedConfig
from hilt_robot_emulated.script import BUILT_IN, Step, load_script
from hilt_robot_emulated.scripted import ScriptedOperator
from hilt_robot_emulated.words import EVENTS, PHASES


def test_words_are_those_of_the_session() -> None:
    assert set(EVENTS) == {str(event) for event in OPERATOR_EVENTS} - {"intervene_end"}
    assert set(PHASES) == {str(phase) for phase in Phase}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_scripts_load(name: str) -> None:
    script = load_script(name)
    assert Step("press", "start") in script.episode
    assert script.reset[-1] == Step("press", "next")


def test_a_script_file_says_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("episode: [{press: strat}, {dance: 1}, {wait: human, hold: 2}]\nreset: [{sleep: -1}]\n")
    with pytest.raises(ConfigError) as caught:
        load_script(str(path))
    assert len(caught.value.problems) == 4
    for part in ("episode[0]: press: 'strat'", "episode[1]: expected one of", "episode[2]: wait takes limit", "reset[0]: sleep"):
        assert part in str(caught.value)


def test_an_unknown_script_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="demonstrate, intervene"):
        load_script("dance")


def test_connecting_needs_a_bench(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="hilt emulate so101"):
        ScriptedOperator(ScriptedConfig(bench=str(tmp_path))).connect()


@frozen
class OneArm:
    port: str


@frozen
class TwoArms:
    left: OneArm
    right: OneArm


def test_it_counts_as_a_stop_only_on_a_bench(bench: Bench) -> None:
    operator = ScriptedOperator(ScriptedConfig())
    emulated, real = OneArm(bench.robot_port), OneArm("/dev/ttyACM0")
    assert isinstance(operator, Rehearses)
    assert operator.emulated(emulated)
    assert operator.emulated(TwoArms(emulated, OneArm(bench.leader_port)))
    assert not operator.emulated(real)
    assert not operator.emulated(TwoArms(emulated, real))
    assert not operator.emulated(object())


class MiniSession:
    """A session and rig in few lines: phases by the real table, the robot follows the leader's wire while a human leads."""

    def __init__(
        self, bench: Bench, operator: ScriptedOperator, arms: Callable[[str], object], policy: bool, wanted: int
    ) -> None:
        self._operator, self.state = operator, State(policy=policy, wanted=wanted)
        self._robot, self._leader = arms(bench.robot_port), arms(bench.leader_port)
        self._robot.torque(True)
        self._mirrors = False
        self.events: list[tuple[str, str]] = []
        self.segments: set[str] = set()

    def run(self, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        self._operator.show_phase(self.state.phase, 0)
        while self.state.phase != Phase.ENDED:
            assert time.monotonic() < end, self.events
            select.select([self._operator.fileno()], [], [], 0.02)
            for event in self._operator.read():
                if event.edge is Edge.PRESS:
                    self._take(event.control)
            if self.state.phase in (Phase.SAVED, Phase.DISCARDED):
                self._take("closed")
            self._tick()

    def _take(self, event: str) -> None:
        before, self.state = self.state, step(self.state, Event(event))
        self.events.append((str(before.phase), event))
        if self.state.phase == Phase.HUMAN:
            self.segments.add(str(self.state.segment))
        if self.state.phase != before.phase:
            self._operator.show_phase(self.state.phase, self.state.episode)

    def _tick(self) -> None:
        human = self.state.source == "human"
        if self.state.policy and self._mirrors == human:
            self._leader.limit(200)
            self._leader.torque(not human)
            self._mirrors = not human
        source, target = (self._leader, self._robot) if human else (self._robot, self._leader)
        if (human or self._mirrors) and (positions := source.read()) is not None:
            target.write(positions)


@pytest.mark.parametrize(("script", "policy"), [("demonstrate", False), ("intervene", True)])
def test_the_operator_finishes_the_task(bench: Bench, wire_arm: Callable[[str], object], script: str, policy: bool) -> None:
    operator = ScriptedOperator(ScriptedConfig(bench=str(bench.folder), script=script))
    operator.connect()
    try:
        session = MiniSession(bench, operator, wire_arm, policy, wanted=1)
        session.run(limit_s=60.0)
    finally:
        operator.disconnect()
    assert session.state.success is True
    assert bench.state()["success"]
    if policy:
        wanted = ["start", "pause", "takeover", "correct", "resume", "success"]
        assert [event for _, event in session.events if event != "closed"][:6] == wanted
        assert session.segments == {"recovery", "correction"}


def test_the_operator_stops_a_session_that_faults(bench: Bench) -> None:
    operator = ScriptedOperator(ScriptedConfig(bench=str(bench.folder)))
    operator.connect()
    operator.show_phase("fault", 0)
    select.select([operator.fileno()], [], [], 30.0)
    assert operator.read()[0].control == "stop"
    operator.disconnect()
    operator.disconnect()
    assert operator.fileno() is None
    assert operator.read() == []


def test_the_operator_stays_to_the_end(bench: Bench) -> None:
    """One that left at `ended` would look like an input that was lost."""
    operator = ScriptedOperator(ScriptedConfig(bench=str(bench.folder)))
    operator.connect()
    operator.show_phase("ended", 1)
    assert select.select([operator.fileno()], [], [], 2.0)[0] == []
    operator.disconnect()


def test_a_killed_operator_is_a_lost_device(bench: Bench) -> None:
    operator = ScriptedOperator(ScriptedConfig(bench=str(bench.folder)))
    operator.connect()
    operator._process.kill()
    select.select([operator.fileno()], [], [], 30.0)
    with pytest.raises(DeviceLost):
        operator.read()
    operator.disconnect()
