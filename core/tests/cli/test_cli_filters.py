"""Safety filters that a configuration names: whatever is asked of one that is not there is refused."""

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ARM = ("--robot.type=fixture_arm", "--robot.port=x", "--input.type=fixture_keys")
STORE = ("--dataset.type=fixture_store", "--dataset.repo_id=me/x", "--dataset.single_task=Push")
TELEOP = ("--teleop.type=so101_leader", "--teleop.port=x")
COMMANDS = {
    "collect": (*ARM, *STORE, "--policy.path=p"),
    "record": (*ARM, *STORE, *TELEOP),
    "teleoperate": (*ARM, *TELEOP),
    "replay": (*ARM, "--dataset.repo_id=me/x", "--episode=0"),
}
HEAD = "filters[0]: the arm does not move without the filter of "
BROKEN = (
    f"{HEAD}'fixture-contract': it is broken (it is made for hilt-hooks>=9,<10 ({version('hilt-hooks')} is installed)); "
    "fix: pip install -U hilt-fixture-contract hilt hilt-hooks"
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_moves_a_robot_refuses(hilt: Run, command: str):
    line, plugins = (command, *COMMANDS[command]), ("ok", "contract")
    assert hilt("config", "check", *line, "--filters=[fixture-ok]", plugins=plugins).returncode == 0
    for way in ((), ("--dry-run",)):
        ran = hilt(*line, "--filters=[fixture-contract]", *way, plugins=plugins)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.splitlines()[1:] == [f"hilt: {BROKEN}"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fixture-okk", "no such plugin is installed; did you mean fixture-ok?; installed filters: fixture-ok"),
        ("fixture-contact", "no such plugin is installed; did you mean fixture-contract?; installed filters: fixture-ok"),
        ("lab-fence", "no such plugin is installed; installed filters: fixture-ok"),
        ("fixture-taken", "hilt-fixture-taken 2.0 has none; installed filters: fixture-ok"),
        ("fixture-clumsy", "it is left out by HILT_DISABLE; start without that"),
    ],
)
def test_why_a_filter_is_not_there(hilt: Run, name: str, why: str):
    line = ("config", "check", "teleoperate", *COMMANDS["teleoperate"], f"--filters=[{name}]")
    ran = hilt(*line, plugins=("ok", "taken", "contract", "clumsy"), HILT_DISABLE="fixture-clumsy")
    assert ran.returncode == 2
    assert f"{HEAD}'{name}': {why}\n" in ran.stderr


def test_without_plugins(hilt: Run):
    ran = hilt("config", "show", "--filters=[fixture-ok]", "--no-plugins")
    assert ran.returncode == 2
    assert f"{HEAD}'fixture-ok': it is left out by --no-plugins; start without that" in ran.stderr


def test_a_station_names_them(hilt: Run, tmp_path: Path):
    file = tmp_path / "bench.yaml"
    file.write_text("robot: {type: fixture_arm, port: x}\nfilters:\n  - fixture-ok\n")
    shown = hilt("config", "show", f"--station={file}")
    assert yaml.safe_load(shown.stdout)["filters"] == ["fixture-ok"], shown.stderr
    assert hilt("config", "check", str(file)).returncode == 0
    file.write_text(file.read_text().replace("fixture-ok", "fixture-contract"))
    ran = hilt("config", "check", str(file), plugins=("ok", "contract"))
    assert ran.returncode == 2
    assert f"{file}:3: {BROKEN}\n" in ran.stdout


def test_the_schema_has_those_that_are_loaded(hilt: Run):
    schema = json.loads(hilt("config", "schema", plugins=("ok", "contract")).stdout)
    assert schema["properties"]["filters"]["items"] == {"enum": ["fixture-ok"]}


def test_a_filter_is_listed_as_one(hilt: Run):
    ran = hilt("plugins", "-v", "fixture-ok", plugins=("ok", "taken"), COLUMNS="120")
    assert "filter fixture-ok" in ran.stdout
    assert "filter" not in hilt("plugins", "fixture-taken", plugins=("ok", "taken"), COLUMNS="120").stdout
