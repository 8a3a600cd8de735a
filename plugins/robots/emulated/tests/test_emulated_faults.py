"""Scripts of faults: what they accept, when they act, and what that does to a bench."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hilt_hooks import ConfigError
from hilt_motor_feetech.emulator import EmulatedServo, FirstOrderPlant, PtyBus, ServoChain
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.fault_player import IDS, FaultPlayer
from hilt_robot_emulated.fault_script import KINDS, FaultScript, load_faults, make_faults, words_of

SECOND_NS = 1_000_000_000
ALL_KINDS: dict[str, Any] = {
    "corrupt": 1,
    "drop": 2.5,
    "delay": 5,
    "dropout": True,
    "dead": "gripper",
    "volts": 3,
    "unplug": True,
    "overload": "gripper",
    "hot": "elbow_flex",
}


def script(*faults: dict[str, Any], seed: int = 0) -> FaultScript:
    return make_faults({"seed": seed, "faults": list(faults)})


def bus() -> PtyBus:
    return PtyBus(ServoChain([EmulatedServo(id) for id in IDS.values()], FirstOrderPlant()))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"arm": "robo", "corrupt": 1}, "faults[0].arm: 'robo': expected one of robot, leader; did you mean robot?"),
        ({"corrupt": 1}, "faults[0].arm: missing"),
        ({"arm": "robot", "corupt": 1}, "faults[0].corupt: unknown"),
        ({"arm": "robot", "corupt": 1}, "did you mean corrupt?"),
        ({"arm": "robot", "corrupt": 101}, "faults[0].corrupt: 101: expected a number from 0 to 100"),
        ({"arm": "robot", "corrupt": True}, "faults[0].corrupt: True: expected a number"),
        ({"arm": "robot", "corrupt": float("nan")}, "faults[0].corrupt: nan: expected a number"),
        ({"arm": "robot", "dropout": 1}, "faults[0].dropout: 1: expected true"),
        ({"arm": "robot", "dead": "griper"}, "did you mean gripper?"),
        ({"arm": "robot", "corrupt": 1, "drop": 1}, "faults[0]: expected one of corrupt, drop"),
        ({"arm": "robot", "corrupt": 1, "degrees": 1}, "faults[0].degrees: unknown; known are arm, at, for, every, corrupt"),
        ({"arm": "robot", "hot": "gripper", "foo": 1}, "faults[0].foo: unknown; known are arm, at, for, every, hot, degrees"),
        ({"arm": "robot", "foo": 1}, f"faults[0].foo: unknown; known are arm, at, for, every, {', '.join(KINDS)}"),
        ({"arm": "robot", "hot": "gripper", "degrees": 151}, "faults[0].degrees: 151: expected a number from 0 to 150"),
        ({"arm": "robot", "dropout": True, "every": 60}, "faults[0].for: missing"),
        ({"arm": "robot", "dropout": True, "for": 60, "every": 60}, "faults[0].for: 60 s is not less than every, 60 s"),
        ({"arm": "robot", "corrupt": 1, "at": -1}, "faults[0].at: -1: expected a number from 0"),
        (3, "faults[0]: expected fields"),
    ],
)
def test_a_wrong_line_is_said_with_its_place(entry: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_faults({"faults": [entry]})
    assert problem in str(caught.value)


@pytest.mark.parametrize("content", [None, [], {"faults": 3}, {"faults": [], "seeds": 1}, {"faults": [], "seed": "x"}])
def test_what_is_no_script(content: Any) -> None:
    with pytest.raises(ConfigError):
        make_faults(content)


def test_everything_wrong_in_a_file_is_said_at_once_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("faults: [{arm: robot, corrupt: 200}, {arm: lead, drop: 1}]")
    with pytest.raises(ConfigError) as caught:
        load_faults(path)
    assert len(caught.value.problems) == 2
    assert all(str(path) in problem for problem in caught.value.problems)
    path.write_text("faults: [")
    with pytest.raises(ConfigError, match="not YAML"):
        load_faults(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_faults(tmp_path / "missing.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_acts_from_when_to_when_and_leaves_nothing(kind: str) -> None:
    chain_bus = bus()
    well = (chain_bus.chain.faults.corrupt, chain_bus.chain.faults.volts)
    player = FaultPlayer(script({"arm": "robot", kind: ALL_KINDS[kind], "at": 2, "for": 1}), {"robot": chain_bus}, 0)

    def state() -> tuple[Any, ...]:
        faults = chain_bus.chain.faults
        return (
            *(faults.corrupt, faults.drop, faults.delay_ms, faults.cut, faults.volts),
            *(set(faults.dead), set(faults.overloaded), dict(faults.hot), chain_bus.fileno() >= 0),
        )

    try:
        player.play(1 * SECOND_NS)
        before = state()
        player.play(2 * SECOND_NS)
        assert state() != before
        player.play(3 * SECOND_NS)
        assert state() == before
        assert (chain_bus.chain.faults.corrupt, chain_bus.chain.faults.volts) == well
        assert [(entry["time_ns"] / SECOND_NS, entry["kind"], entry["on"]) for entry in player.log] == [
            (2, kind, True),
            (3, kind, False),
        ]
    finally:
        chain_bus.close()


def test_what_comes_back_every_so_often() -> None:
    (fault,) = script({"arm": "robot", "dropout": True, "at": 10, "for": 0.3, "every": 60}).faults
    assert [fault.active(at) for at in (9.9, 10.0, 10.29, 10.31, 69.9, 70.1, 130.2, 130.5)] == [
        *(False, True, True, False, False, True, True, False)
    ]


def test_two_at_once_do_not_undo_each_other() -> None:
    chain_bus = bus()
    entries = [
        {"arm": "robot", "dead": "gripper", "for": 2},
        {"arm": "robot", "dead": "elbow_flex", "for": 1},
        {"arm": "robot", "corrupt": 3},
    ]
    player = FaultPlayer(script(*entries), {"robot": chain_bus}, 0)
    player.play(0)
    assert chain_bus.chain.faults.dead == {3, 6}
    player.play(SECOND_NS)
    assert chain_bus.chain.faults.dead == {6}
    player.end()
    assert (chain_bus.chain.faults.dead, chain_bus.chain.faults.corrupt) == (set(), 0)
    chain_bus.close()


def test_a_seed_gives_the_same_damage_again() -> None:
    def damage(seed: int) -> list[bool]:
        chain_bus = bus()
        FaultPlayer(script({"arm": "robot", "corrupt": 30}, seed=seed), {"robot": chain_bus}, 0).play(0)
        heard = [chain_bus.chain.faults.hears() for _ in range(50)]
        chain_bus.close()
        return heard

    assert damage(1) == damage(1) != damage(2)


def test_words() -> None:
    faults = script(
        {"arm": "robot", "hot": "gripper", "degrees": 66}, {"arm": "leader", "dropout": True, "at": 5, "for": 0.3, "every": 60}
    ).faults
    assert list(words_of(faults)) == [
        "robot: hot gripper (66 degrees C) from 0 s on",
        "leader: dropout from 5 s on for 0.3 s, every 60 s",
    ]


def test_a_bench_plays_a_file_from_its_start_and_another_script_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("seed: 3\nfaults: [{arm: leader, unplug: true}]")
    with Bench.start(cameras={}, faults=path) as bench:
        port = Path(bench.leader_port)
        _until(lambda: not port.exists())
        bench.command("play_faults", script={"faults": [{"arm": "robot", "corrupt": 5}]})
        _until(port.exists)
        _until(lambda: len(bench.command("fault_log")["log"]) == 1)
        with pytest.raises(ValueError, match=r"faults\[0\]\.arm"):
            bench.command("play_faults", script={"faults": [{"arm": "x", "corrupt": 5}]})


def test_a_wrong_file_starts_no_bench(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("faults: [{arm: robot}]")
    with pytest.raises(ConfigError, match="expected one of corrupt"):
        Bench.start(cameras={}, faults=path, folder=tmp_path / "bench")
    assert not (tmp_path / "bench" / "bench.json").exists()


def _until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_example_of_the_readme_is_a_script() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text()
    (example,) = [block.partition("```")[0] for block in text.split("```yaml\n") if block.startswith("seed:")]
    assert len(make_faults(yaml.safe_load(example)).faults) == 6
