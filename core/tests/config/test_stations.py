import sys
import types
from pathlib import Path

import pytest
from attrs import frozen

from hilt.config import (
    CollectConfig,
    LimitsConfig,
    RecordConfig,
    Station,
    TeleoperateConfig,
    dump,
    parse,
    read,
    stations,
    structure,
    write,
)
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


def test_a_flag_changes_only_the_limits_that_it_names(station: Path, registry: Registry):
    station.write_text(STATION + "  elbow.pos: {lower: -60, upper: 60, velocity: 90}\n")
    flag = "--limits={elbow.pos: {velocity: 30, upper: null}, wrist.pos: {acceleration: 200}}"
    reading = read(Station, ["--station=bench3", flag], registry)
    assert reading.config.limits == {
        "gripper.pos": LimitsConfig(velocity=100),
        "elbow.pos": LimitsConfig(lower=-60, velocity=30),
        "wrist.pos": LimitsConfig(acceleration=200),
    }
    places = {name: reading.sources.origin_of(("limits", "elbow.pos", name)) for name in ("lower", "velocity")}
    assert places["lower"].endswith("bench3.yaml:11")
    assert places["velocity"] == "flag"
    assert parse(Station, ["--station=bench3", "--limits={}"], registry).limits.keys() == {"gripper.pos", "elbow.pos"}
    for wrong, says in (("[]", "expected a mapping"), ("null", "expected a mapping"), ("{a: [", ".* is not valid YAML")):
        with pytest.raises(ConfigError, match=f"^limits: {says}"):
            parse(Station, ["--station=bench3", f"--limits={wrong}"], registry)


def test_a_flag_that_gives_cameras_takes_the_place_of_all(station: Path, registry: Registry):
    side = "--robot.cameras={side: {type: opencv, index_or_path: 1}}"
    assert parse(Station, ["--station=bench3", side], registry).robot.config.cameras.keys() == {"side"}


def test_fields_of_a_station_that_a_command_has_no_use_for(station: Path, registry: Registry):
    @frozen(kw_only=True)
    class Small:
        fps: float = 30.0

    assert parse(Small, ["--station=bench3"], registry) == Small()
    station.write_text(STATION + "robt: 3\n")
    with pytest.raises(ConfigError, match="robt: no such field"):
        parse(Small, ["--station=bench3"], registry)


def test_fields_of_other_commands_are_left_out_and_told(station: Path, registry: Registry):
    station.write_text(STATION + "fps: 60\npolicy: {path: here, device: cuda}\n")
    notes: list[str] = []
    given = ["--station=bench3", "--dataset.repo_id=me/x"]
    config = parse(RecordConfig, given, registry, notes.append)
    assert config.episodes.fps == 30, "fps is a field of teleoperate, and not meant for datasets"
    assert notes == [f"station {station}: fps, policy left out, of other commands"]
    assert parse(CollectConfig, given, registry).policy.device == "cuda"
    assert parse(TeleoperateConfig, given[:1], registry).fps == 60


@frozen
class Nothing:
    pass


def lab() -> dict[str, object]:
    return {"robot": {"type": "so101_follower", "port": "lab"}}


def wrong() -> dict[str, object]:
    return {**lab(), "limits": {"a.pos": {"velocty": 3}}}


def nothing() -> list[str]:
    return ["robot"]


@pytest.fixture
def with_bundles(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Four bundles: one with a mistake in its limits, one that gives no station, one that has the name of a file."""
    module = types.ModuleType("hilt_bundle_of_a_test")
    module.lab, module.wrong, module.nothing = lab, wrong, nothing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = {"lab": ("lab_alias",), "wrong": (), "nothing": (), "bench3": ()}
    bundles = [
        BundleDescriptor(
            name=name,
            aliases=aliases,
            summary="",
            config=Nothing,
            factory=f"{module.__name__}:{name if name in ('wrong', 'nothing') else 'lab'}",
        )
        for name, aliases in made.items()
    ]
    return Registry.of(*bundles, *(each for kind in ("robot", "teleoperator", "input", "camera") for each in registry.all(kind)))


LEADER = ("--teleop.type=so101_leader", "--teleop.port=x")


@pytest.mark.parametrize("name", ["lab", "lab_alias"])
def test_a_bundle(station: Path, with_bundles: Registry, name: str):
    config = parse(TeleoperateConfig, [f"--station={name}", *LEADER], with_bundles)
    assert config.robot.config.port == "lab"


def test_what_is_wrong_in_a_bundle_names_it(station: Path, with_bundles: Registry):
    with pytest.raises(ConfigError) as caught:
        parse(TeleoperateConfig, ["--station=wrong", *LEADER], with_bundles)
    (problem,) = caught.value.problems
    assert problem.startswith("limits['a.pos'].velocty: no such field; did you mean velocity?")
    assert problem.endswith("(bundle wrong)")
    with pytest.raises(ConfigError, match="bundle nothing: gives list, not a mapping of fields"):
        parse(TeleoperateConfig, ["--station=nothing", *LEADER], with_bundles)


def test_the_first_place_wins(station: Path, with_bundles: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """./stations, then HILT_STATIONS, then the user's folder, then bundles."""
    monkeypatch.chdir(tmp_path)
    shared = tmp_path / "shared"
    monkeypatch.setenv("HILT_STATIONS", f"{tmp_path / 'nowhere'}:{shared}")
    ports = []
    for folder in (None, station.parent, shared, Path("stations")):
        if folder is None:
            station.unlink()
        else:
            folder.mkdir(exist_ok=True)
            (folder / "bench3.yaml").write_text(f"robot: {{type: so101_follower, port: {folder.name}}}")
        ports.append(parse(Station, ["--station=bench3"], with_bundles).robot.config.port)
    assert ports == ["lab", "stations", "shared", "stations"]
    found = [each.where for each in stations.stations(with_bundles) if each.name == "bench3"]
    assert found == ["stations/bench3.yaml", "shared/bench3.yaml", "hilt/stations/bench3.yaml", "bundle bench3"]


def test_an_unknown_station_lists_those_that_there_are(station: Path, with_bundles: Registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(station.parents[3])
    with pytest.raises(ConfigError) as caught:
        parse(TeleoperateConfig, ["--station=bench4"], with_bundles)
    (problem,) = caught.value.problems
    where = str(station).removeprefix(f"{station.parents[3]}/")
    assert problem == (
        f"station: there is none called 'bench4'; did you mean bench3?; known: bench3 ({where}), lab (bundle lab), "
        f"lab_alias (bundle lab_alias), nothing (bundle nothing), wrong (bundle wrong); "
        f"looked in: stations/, {Path(where).parent}/, installed bundles"
    ), "and nothing is called missing that the station would have had"


@pytest.mark.parametrize("name", ["stations/bench4.yaml", "./bench3", "bench3.yml"])
def test_a_path_that_leads_nowhere(station: Path, registry: Registry, name: str):
    with pytest.raises(ConfigError, match=f"station: there is no file {name}; did you mean bench3"):
        parse(TeleoperateConfig, [f"--station={name}"], registry)


def test_two_files_of_one_name_side_by_side(station: Path, registry: Registry):
    station.with_suffix(".json").write_text("{}")
    with pytest.raises(ConfigError, match=r"'bench3' may be .*bench3.json or .*bench3.yaml; give the path, or remove one"):
        parse(TeleoperateConfig, ["--station=bench3"], registry)


def test_what_is_written_reads_back(tmp_path: Path, argv: list[str], registry: Registry):
    config = parse(CollectConfig, argv, registry)
    file = tmp_path / "config.yaml"
    file.write_text(write(dump(config)))
    assert structure(CollectConfig, read_file(file)[0], registry) == config
    assert parse(CollectConfig, [f"--config={file}"], registry) == config
