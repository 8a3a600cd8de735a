from pathlib import Path

import pytest
from attrs import frozen

from hilt.config import CollectConfig, TeleoperateConfig, dump, parse, structure, write
from hilt.config.text import read_file
from hilt.kernel import Registry
from hilt_hooks import BundleDescriptor, ConfigError

STATION = """
robot:
  type: so101_follower
  port: /dev/ttyACM0
  cameras:
    front: {type: opencv, index_or_path: 0}
teleop: {type: so101_leader, port: /dev/ttyACM1}
inputs: [{type: pedal}]
limits:
  gripper.pos: {velocity: 100}
"""


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "hilt" / "stations" / "bench3.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(STATION)
    return file


def test_by_name_and_by_file(station: Path, registry: Registry):
    by_name = parse(TeleoperateConfig, ["--station=bench3"], registry)
    assert by_name == parse(TeleoperateConfig, ["--station", str(station)], registry)
    assert by_name.limits["gripper.pos"].velocity == 100


def test_later_sources_win(station: Path, tmp_path: Path, registry: Registry):
    more = tmp_path / "more.json"
    more.write_text('{"robot": {"port": "/dev/ttyUSB0", "cameras": {"side": {"type": "opencv", "index_or_path": 1}}}, "fps": 30}')
    config = parse(TeleoperateConfig, ["--fps=20", f"--config={more}", "--station=bench3"], registry)
    assert config.robot.config.port == "/dev/ttyUSB0"
    assert sorted(config.robot.config.cameras) == ["front", "side"]
    assert config.fps == 20


def test_fields_of_a_station_that_a_command_has_no_use_for(station: Path, registry: Registry):
    @frozen(kw_only=True)
    class Small:
        fps: float = 30.0

    assert parse(Small, ["--station=bench3"], registry) == Small()
    station.write_text(STATION + "robt: 3\n")
    with pytest.raises(ConfigError, match="robt: no such field"):
        parse(Small, ["--station=bench3"], registry)


@frozen
class Nothing:
    pass


def lab() -> dict[str, object]:
    return {"robot": {"type": "so101_follower", "port": "lab"}}


def test_a_bundle(registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import sys
    import types

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    module = types.ModuleType("hilt_bundle_of_a_test")
    module.lab = lab  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    descriptor = BundleDescriptor(name="lab", summary="", config=Nothing, factory=f"{module.__name__}:lab")
    both = Registry.of(descriptor, *(each for kind in ("robot", "teleoperator", "input") for each in registry.all(kind)))
    config = parse(TeleoperateConfig, ["--station=lab", "--teleop.type=so101_leader", "--teleop.port=x"], both)
    assert config.robot.config.port == "lab"


def test_an_unknown_station_says_where_it_was_looked_for(station: Path, registry: Registry):
    with pytest.raises(ConfigError) as caught:
        parse(TeleoperateConfig, ["--station=bench4"], registry)
    assert f"station: there is neither a file {station.parent / 'bench4.yaml'} nor a bundle 'bench4'" in str(caught.value)


def test_what_is_written_reads_back(tmp_path: Path, argv: list[str], registry: Registry):
    config = parse(CollectConfig, argv, registry)
    file = tmp_path / "config.yaml"
    file.write_text(write(dump(config)))
    assert structure(CollectConfig, read_file(file)[0], registry) == config
    assert parse(CollectConfig, [f"--config={file}"], registry) == config
