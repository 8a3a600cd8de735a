"""`hilt config` and stations, as a person at a terminal uses them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ARM = ("--robot.type=fixture_arm", "--robot.port=x", "--input.type=fixture_keys")
STORE = ("--dataset.type=fixture_store", "--dataset.repo_id=me/x", "--dataset.single_task=Push")
STATION = """robot:
  type: fixture_arm
  port: x
inputs:
- type: fixture_keys
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a station in it; `file` is written below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    (tmp_path / "stations").mkdir()
    (tmp_path / "stations" / "bench3.yaml").write_text(STATION)
    return tmp_path


def test_a_command_line_becomes_a_station(hilt: Run, bench: Path):
    """The way that the help shows: show -> file -> --station, for every command."""
    made = hilt("config", "show", "--given", *ARM, "--robot.speed=3")
    assert made.returncode == 0, made.stderr
    assert made.stdout == (
        "version: 1\nrobot:\n  type: fixture_arm\n  port: x\n  speed: 3.0  # deg/s\ninputs:\n- type: fixture_keys\n"
    )
    (bench / "stations" / "bench4.yaml").write_text(made.stdout)
    rest = ("--policy.path=p", *STORE)
    by_flags = hilt("config", "show", "collect", *ARM, "--robot.speed=3", *rest)
    by_station = hilt("config", "show", "collect", "--station=bench4", *rest)
    assert yaml.safe_load(by_station.stdout) == yaml.safe_load(by_flags.stdout)
    assert "  port: x" in by_station.stdout
    assert "# stations/bench4.yaml:4" in by_station.stdout
    assert hilt("config", "check", "teleoperate", "--station=bench4", "--teleop.type=x").returncode == 2


def test_a_whole_configuration_is_a_station_too(hilt: Run, bench: Path):
    made = hilt("config", "show", "collect", *ARM, "--policy.path=p", *STORE)
    (bench / "stations" / "all.yaml").write_text(made.stdout)
    again = hilt("config", "show", "collect", "--station=all")
    assert again.stderr == ""
    assert yaml.safe_load(again.stdout) == yaml.safe_load(made.stdout)
    only = hilt("config", "show", "--station=all")
    assert list(yaml.safe_load(only.stdout)) == [
        "version",
        "robot",
        "teleop",
        "inputs",
        "viewers",
        "limits",
        "max_tracking_error",
        "filters",
    ]
    assert "dataset, handover, interpolation_multiplier, policy, rtc left out, of other commands" in only.stderr


def test_stations_are_listed(hilt: Run, bench: Path):
    (bench / "own" / "hilt" / "stations").mkdir(parents=True)
    (bench / "own" / "hilt" / "stations" / "bench3.yaml").write_text(STATION)
    (bench / "stations" / "broken.yaml").write_text("robot: [\n")
    ran = hilt("config", "stations", COLUMNS="80")
    assert ran.returncode == 0, ran.stderr
    assert [line.split() for line in ran.stdout.splitlines()[:3]] == [
        ["station", "robot", "leader", "from"],
        ["bench3", "fixture_arm", "-", "stations/bench3.yaml"],
        ["broken", "cannot", "be", "read", "stations/broken.yaml"],
    ]
    assert "(hidden by stations/bench3.yaml)" in " ".join(ran.stdout.split())
    assert "looked in: stations/, own/hilt/stations/, installed bundles; HILT_STATIONS adds folders" in ran.stdout


def test_an_unknown_station(hilt: Run, bench: Path):
    ran = hilt("collect", "--station=bnch3", "--policy.path=p")
    assert ran.returncode == 2
    assert "there is none called 'bnch3'; did you mean bench3?; known: bench3 (stations/bench3.yaml); looked in: " in ran.stderr
    assert "robot.type: is required" not in ran.stderr


def test_good_files_say_what_they_are_for(hilt: Run, bench: Path):
    (bench / "lerobot.json").write_text(
        json.dumps(
            {
                "robot": {"type": "fixture_arm", "port": "x"},
                "dataset": {"type": "fixture_store", "repo_id": "me/x", "single_task": "Push"},
                "play_sounds": True,
            }
        )
    )
    ran = hilt("config", "check", "stations/bench3.yaml", "lerobot.json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        "stations/bench3.yaml: good\n"
        "  as a station: hilt COMMAND --station=stations/bench3.yaml\n"
        "  collect: also needs dataset.repo_id, policy.path\n"
        "  record: also needs dataset.repo_id, teleop.type\n"
        "  teleoperate: also needs teleop.type\n"
        "  replay: also needs dataset.repo_id, dataset.episode\n"
        "  doctor: complete\n"
        "lerobot.json: good\n"
        "  collect: also needs policy.path\n"
        "  record: also needs teleop.type\n"
        "  note: --play_sounds is accepted and has no effect: the session speaks through its inputs and the terminal\n"
    )


def test_everything_wrong_in_files_with_its_line(hilt: Run, bench: Path):
    (bench / "bad.yaml").write_text(STATION.replace("port: x", "prot: x\n  speed: 30") + "limits:\n  a.pos: {velocty: 3}\n")
    (bench / "syntax.yaml").write_text("robot:\n  type: [\n")
    (bench / "newer.yaml").write_text("# new\nversion: 9\nsomething: else\n")
    (bench / "other.json").write_text(json.dumps({"chunk_size": 100, "n_heads": 8, "device": "cpu"}))
    ran = hilt("config", "check", "bad.yaml", "syntax.yaml", "newer.yaml", "other.json", "nowhere.yaml", "stations/bench3.yaml")
    assert ran.returncode == 2
    said = ran.stdout.splitlines()
    assert said[:4] == [
        "bad.yaml:3: robot.prot: no such field; did you mean port? (fields: port, speed)",
        "bad.yaml:4: robot.speed: 30.0 is above the maximum, 10 deg/s",
        "bad.yaml:8: limits['a.pos'].velocty: no such field; did you mean velocity? "
        "(fields: lower, upper, velocity, acceleration)",
        "bad.yaml: 3 problems, read as a station",
    ]
    assert said[4].startswith("syntax.yaml:3: ")
    assert "newer.yaml:2: version: the file has format 9, this hilt reads up to 1; pip install -U hilt" in said
    assert "other.json: no configuration: no command and no station has chunk_size, device, n_heads" in said
    assert "nowhere.yaml: cannot be read: No such file or directory" in said
    assert "stations/bench3.yaml: good" in said


def test_a_command_line_is_checked_as_the_command_reads_it(hilt: Run, bench: Path):
    """Files stand behind the command; what follows a flag is its value."""
    ran = hilt("config", "check", "collect", "stations/bench3.yaml", "--policy.path", "p", *STORE)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "the configuration of collect is valid\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("check",), "say what to check: files, or a command and its flags"),
        (("check", "--robot.type=x"), "flags belong to a command: hilt config check COMMAND --robot.type=x"),
        (("check", "collect", "stations/bench3.yaml"), "policy.path: is required"),
        (("show",), "robot.type: is required; installed robot types: "),
        (("show", "plugins"), "'plugins' is not a command with a configuration; these are: collect, record, teleoperate"),
        (("schema", "--foo=1"), "--foo=1: write --FIELD.type=TYPE, where FIELD is one of robot, "),
        (("schema", "--robot.type=fixture_rm"), "did you mean 'fixture_arm'?"),
    ],
)
def test_usage(hilt: Run, bench: Path, arguments: tuple[str, ...], line: str):
    ran = hilt("config", *arguments)
    assert ran.returncode == 2
    assert line in ran.stderr
    assert ran.stdout == ""


def test_schemas_validate_what_is_shown(hilt: Run, bench: Path):
    shown = yaml.safe_load(hilt("config", "show", "--station=bench3").stdout)
    station = Draft202012Validator(json.loads(hilt("config", "schema").stdout))
    station.validate(shown)
    assert not station.is_valid(shown | {"robt": {}})
    arm = Draft202012Validator(json.loads(hilt("config", "schema", "--robot.type=fixture_arm").stdout))
    arm.validate(shown["robot"])
    assert not arm.is_valid(shown["robot"] | {"speed": 11})


@pytest.mark.parametrize("command", ["show", "check", "schema", "stations"])
def test_help_fits_a_narrow_terminal_and_is_whole(hilt: Run, command: str):
    overview, ran = hilt("config", "--help", COLUMNS="80"), hilt("config", command, "--help", COLUMNS="80")
    assert "..." not in "".join(line for line in overview.stdout.splitlines() if "ARGS" not in line)
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_help_of_a_command_shows_the_fields_of_a_single_input(hilt: Run, bench: Path):
    assert "--input.layout=qwerty" in hilt("collect", "--help", "--input.type=fixture_keys").stdout
    listed = hilt("collect", "--help", "--station=bench3").stdout
    assert "--robot.port=" in listed
    assert "inputs[0]" not in listed, "what is in a list has no flag of its own"
