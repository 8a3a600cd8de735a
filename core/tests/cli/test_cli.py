import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hilt.cli import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ARM = ("--robot.type=fixture_arm", "--robot.port=x", "--policy.path=p")
STORE = ("--dataset.type=fixture_store", "--dataset.repo_id=me/x", "--dataset.single_task=Push")
COLLECT = ("collect", *ARM, *STORE, "--input.type=fixture_keys")
PLUGINS = Path(__file__).parents[3] / "tests" / "fixtures" / "plugins"
BROKEN = ("importerror", "exits", "signature", "lister", "contract", "raising")


def test_help_lists_commands_of_core_and_of_plugins(hilt: Run):
    ran = hilt("--help", plugins=("ok", *BROKEN))
    assert ran.returncode == 0
    for name in ("collect", "record", "teleoperate", "plugins", "config", "greet", "unloadable"):
        assert f"  {name} " in ran.stdout
    assert "A fixture that works" in ran.stdout
    assert ran.stderr == ""


def test_no_command_shows_help(hilt: Run):
    assert hilt().stdout == hilt("--help").stdout


def test_version(hilt: Run):
    assert hilt("--version").stdout.startswith("hilt ")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from hilt.cli import main; main(['--help']);"
        "print('IMPORTED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(ran.stdout.partition("IMPORTED")[2].split())
    heavy = {"numpy", "attr", "attrs", "cattrs", "pluggy", "rich", "yaml", "torch", "cv2", "serial", "av", "msgspec", "pydantic"}
    assert imported & heavy == set()
    assert {name for name in imported if name.startswith("hilt_")} == set()


def test_help_of_a_command_is_readable(hilt: Run):
    ran = hilt("collect", "--help", COLUMNS="80")
    assert ran.returncode == 0
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert "* --policy.path=TEXT" in ran.stdout
    assert "(its fields are listed once --robot.type=TYPE is given)" in ran.stdout
    assert "--robot.port" not in ran.stdout
    assert "--handover.offset_bleed=10 deg/s" in ran.stdout


def test_help_lists_a_devices_fields_once_its_type_is_given(hilt: Run):
    ran = hilt("collect", "--robot.type=fixture_arm", "-h", COLUMNS="80")
    assert "* --robot.port=TEXT" in ran.stdout
    assert "--robot.speed=1.5 deg/s" in ran.stdout
    assert "(min 0, max 10)" in ran.stdout


def test_dry_run_checks_and_shows(hilt: Run):
    good = hilt("greet", "--name=you", "--dry-run")
    assert (good.returncode, good.stdout) == (0, "name: you\ntimes: 1\nfail: ''\n")
    assert "nothing was touched" in good.stderr
    bad = hilt("greet", "--name=nobody", "--dry-run")
    assert (bad.returncode, bad.stderr) == (2, "hilt: name: there is nobody to greet\n")


def test_dry_run_of_a_session_makes_its_plan(hilt: Run):
    ran = hilt(*COLLECT, "--dry-run")
    assert ran.returncode == 2
    assert "teleop" in ran.stderr


def test_show_prints_a_configuration_that_reads_back(hilt: Run, tmp_path: Path):
    ran = hilt("config", "show", *COLLECT)
    assert ran.returncode == 0, ran.stderr
    shown = yaml.safe_load(ran.stdout)
    assert shown["robot"] == {"type": "fixture_arm", "port": "x", "speed": 1.5}
    assert shown["inputs"] == [{"type": "fixture_keys", "layout": "qwerty"}]
    file = tmp_path / "all.yaml"
    file.write_text(ran.stdout)
    assert yaml.safe_load(hilt("config", "show", "collect", f"--config={file}").stdout) == yaml.safe_load(ran.stdout)


def test_a_wrong_configuration_is_exit_2_with_every_problem(hilt: Run):
    ran = hilt(*COLLECT, "--robot.sped=3", "--policy.threads=0")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("hilt: the configuration has 2 problems:\n")
    assert "  robot.sped: no such field; did you mean speed? (fields: port, speed)\n" in ran.stderr
    assert "  policy.threads: 0 is below the minimum, 1\n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_verbose_shows_the_traceback_wherever_it_stands(hilt: Run):
    for arguments in (("--verbose", *COLLECT), (*COLLECT, "--verbose")):
        ran = hilt(*arguments, "--policy.threads=0")
        assert ran.returncode == 2
        assert "Traceback" in ran.stderr


def test_what_is_accepted_without_effect_is_noted(hilt: Run):
    ran = hilt("config", "show", *COLLECT, "--display_data=true")
    assert ran.returncode == 0
    assert "hilt: note: --display_data is accepted and has no effect: " in ran.stderr


def test_a_plugins_command_runs_and_its_int_is_the_exit_code(hilt: Run):
    ran = hilt("greet", "--name=you", "--times", "2")
    assert (ran.returncode, ran.stdout) == (0, "hello you hello you\n"), ran.stderr
    assert hilt("greet", "--name=three").returncode == 3


@pytest.mark.parametrize(
    ("fail", "code", "line"),
    [
        ("safety", 1, "hilt: as asked\n"),
        ("hilt", 1, "hilt: as asked\n"),
        ("bug", 1, "hilt: unexpected ZeroDivisionError: as asked\n"),
        ("interrupt", 130, ""),
    ],
)
def test_exit_codes(hilt: Run, fail: str, code: int, line: str):
    ran = hilt("greet", "--name=you", f"--fail={fail}")
    assert ran.returncode == code
    assert line in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ("--no-plugins" in ran.stderr) == (fail == "bug")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("colect",), "Did you mean 'collect'?"),
        (("gret",), "Did you mean 'greet'?"),
        (("--nonsense",), "--nonsense"),
        (("collect", "--nonsense=1"), "nonsense: no such field"),
        (("config", "show", "plugins"), "'plugins' is not a command with a configuration"),
        (("config", "show", "nonsense"), "'nonsense' is not a command with a configuration"),
    ],
)
def test_usage_errors(hilt: Run, arguments: tuple[str, ...], line: str):
    ran = hilt(*arguments)
    assert ran.returncode == 2
    assert line in ran.stderr
    assert "Traceback" not in ran.stderr


def test_plugins_shows_broken_ones_as_rows(hilt: Run):
    ran = hilt("plugins", plugins=("ok", "taken", *BROKEN), COLUMNS="100")
    assert ran.returncode == 0, ran.stderr
    listed = ran.stdout.partition("\n\n")[0]
    rows = {line.split()[0]: line for line in listed.splitlines() if not line.startswith(" ")}
    for name, state in (
        ("ok", "clash"),
        ("taken", "clash"),
        ("raising", "ok"),
        ("importerror", "failed"),
        ("contract", "failed"),
    ):
        assert f" {state} " in f"{rows[f'fixture-{name}']} "
    assert "  fix: pip install a-driver-that-nobody-has\n" in ran.stdout
    assert "  or leave it out: HILT_DISABLE=fixture-importerror\n" in ran.stdout
    assert "surplus phase; missing old, new, event" in " ".join(ran.stdout.split())
    assert "a plugin that talks" not in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.parametrize("width", [80, 120])
def test_plugins_in_detail(hilt: Run, width: int):
    ran = hilt("plugins", "-v", plugins=("ok", "importerror", "prints"), COLUMNS=str(width))
    shown = " ".join(ran.stdout.split())
    for part in (
        "robot fixture_arm An arm that is not there",
        "from hilt-fixture-ok 1.2; made for hilt-hooks>=0.1,<0.2",
        "aliases fixture_arm_alias",
        "capabilities torque",
        "requires a-driver-that-nobody-has>=2 (not installed)",
        "limits all channels: velocity 90, acceleration 450 (tried on the fixture)",
        "speed=1.5 deg/s How fast it is",
        "it printed: a plugin that prints?[31m? {garbage",
        'hilt_fixture_importerror.py", line 1, in <module>',
    ):
        assert part in shown
    assert "registry.py" not in shown, "the traceback starts in the plugin"
    uncut = ("  fix: ", "  File ", "  or leave", "  its fields")
    assert [line for line in ran.stdout.splitlines() if len(line) > width and not line.startswith(uncut)] == []


@pytest.mark.parametrize("name", ["fixture-ok", "hilt-fixture-ok", "fixture_arm", "fixture_arm_alias", "greet"])
def test_plugins_by_name(hilt: Run, name: str):
    ran = hilt("plugins", name, plugins=("ok", "importerror"), COLUMNS="100")
    assert ran.returncode == 0, ran.stderr
    assert "fixture-importerror" not in ran.stdout
    assert ("\nrobot fixture_arm\n" in ran.stdout) == (name != "greet")
    assert ("\ninput fixture_keys\n" in ran.stdout) == (name in ("fixture-ok", "hilt-fixture-ok"))


def test_plugins_by_a_name_that_nothing_has(hilt: Run):
    ran = hilt("plugins", "fixture_amr")
    assert ran.returncode == 2
    assert "nothing installed is called 'fixture_amr'; did you mean 'fixture_arm'?" in ran.stderr


def test_without_plugins(hilt: Run):
    ran = hilt("--no-plugins", "plugins", plugins=("ok", "importerror"))
    assert ran.stdout.count("(left out by --no-plugins)") == ran.stdout.count(" disabled ")
    assert "fixture-importerror" in ran.stdout
    assert ran.returncode == 0
    ran = hilt("--no-plugins", "greet")
    assert ran.returncode == 2
    assert "the command 'greet' comes with hilt-fixture-ok 1.2, left out by --no-plugins" in ran.stderr
    assert "greet" not in hilt("--no-plugins", "--help").stdout
    ran = hilt(*COLLECT, "--no-plugins")
    assert ran.returncode == 2
    assert "disabled: " in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "check", *COLLECT),
        ("config", "schema", "collect"),
        ("greet", "--name=you"),
    ],
)
def test_broken_plugins_are_a_line_each_elsewhere(hilt: Run, arguments: tuple[str, ...]):
    ran = hilt(*arguments, plugins=("ok", *BROKEN))
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stderr.splitlines() if "plugin fixture-" in line]
    assert [line.split()[2] for line in lines] == [f"fixture-{name}" for name in sorted(BROKEN) if name != "raising"]
    assert "a plugin that talks" not in ran.stdout


def test_an_interrupt_while_a_plugin_is_loaded_names_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.syspath_prepend(str(PLUGINS / "slow"))
    monkeypatch.delitem(sys.modules, "hilt_fixture_slow", raising=False)
    monkeypatch.setattr("time.sleep", interrupted)
    assert main(["plugins"]) == 130
    said = "hilt: interrupted: plugin fixture-slow was being loaded; HILT_DISABLE=fixture-slow leaves it out\n"
    assert capsys.readouterr().err == said


def test_a_disabled_plugin_is_not_imported(hilt: Run):
    ran = hilt("config", "check", *COLLECT, plugins=("ok", "exits"), HILT_DISABLE="fixture-exits")
    assert ran.returncode == 0
    assert "fixture-exits" not in ran.stderr
    assert "a plugin that talks" not in ran.stderr


def test_two_robots_of_one_name(hilt: Run):
    ran = hilt(*COLLECT, "--dry-run", plugins=("ok", "taken"))
    assert ran.returncode == 2
    assert "fixture-ok (hilt-fixture-ok 1.2) and by fixture-taken (hilt-fixture-taken 2.0)" in ran.stderr


def test_a_command_that_cannot_be_loaded(hilt: Run):
    ran = hilt("unloadable", plugins=("ok", "importerror"))
    assert ran.returncode == 1
    assert "the command 'unloadable' of hilt-fixture-importerror 0.3 cannot be loaded: ModuleNotFoundError" in ran.stderr


def test_schema_is_json(hilt: Run):
    schema = json.loads(hilt("config", "schema", "teleoperate").stdout)
    assert "fixture_arm" in {each["properties"]["type"]["enum"][0] for each in schema["$defs"]["robot"]["oneOf"]}


def test_check(hilt: Run):
    good = hilt("config", "check", *COLLECT)
    assert (good.returncode, good.stdout) == (0, "the configuration of collect is valid\n"), good.stderr
    assert hilt("config", "check", *COLLECT, "--fps=x").returncode == 2


def test_a_closed_pipe_is_no_crash():
    command = f"{sys.executable} -m hilt collect --help | head -n 1"
    ran = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    assert "Traceback" not in ran.stderr
