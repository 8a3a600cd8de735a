"""Every command there is, with all broken plugins installed at once: what is healthy works as without them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from isolation_runs import ALL, BROKEN, HEALTHY, PLUGINS, Ran, besides, hilt, told
from typer.main import get_command

from hilt.cli import commands
from hilt.cli.configured import ConfigApp
from hilt_hooks.testing.usb_tree import UsbTree
from hilt_hooks.usb import ROOT, SERIAL_PORTS

Command = tuple[str, ...]

ARM = ("--robot.type=so101_follower", "--robot.port=/dev/nowhere", "--teleop.type=so101_leader", "--teleop.port=/dev/nowhere")
"""A configuration that is valid, and that nothing answers to."""


def with_subcommands(name: str, command: Any) -> Iterator[Command]:
    yield (name,)
    for each, below in getattr(command, "commands", {}).items():
        yield from ((name, *rest) for rest in with_subcommands(each, below))


def every_command() -> list[Command]:
    """As the command line lists them, so that a new one is covered."""
    return [each for name in commands.listed() for each in with_subcommands(name, get_command(commands.load(name)))]


COMMANDS = every_command()
RUNNABLE = [each for each in COMMANDS if not any(other[: len(each)] == each != other for other in COMMANDS)]
"""Those that are not just the beginning of others."""
CONFIGURED = [name for name in commands.listed() if isinstance(commands.load(name), ConfigApp)]
WRONG = "--no-such-field=1"
"""Whatever the command is, it gets as far as to look at its arguments, and touches nothing."""

DATASET = ("--dataset.repo_id=bench/push", "--dataset.single_task=Push")
VARYING: Mapping[Command, tuple[str, ...]] = {
    ("record",): ("filters",),
    ("teleoperate",): ("filters",),
    ("doctor",): ("4 things are wrong",),
    ("plugins",): ("hilt-processors", "normalizer_processor"),
}
"""How the lines begin that may differ: they tell of all plugins, or are wrapped in columns of another width."""


def real(folder: Path) -> dict[Command, list[str]]:
    """For each command a line that is valid, and that ends by itself: with its work done, or at a check of its own."""
    arm, dataset = ARM[:2], [*DATASET, f"--dataset.root={folder / 'dataset'}"]
    return {
        ("collect",): [*ARM, *dataset, f"--policy.path={folder / 'policy'}", "--dry-run"],
        ("record",): [*ARM, *dataset, "--dry-run"],
        ("teleoperate",): [*ARM, "--dry-run"],
        ("replay",): [*arm, "--dataset.repo_id=bench/push", f"--dataset.root={folder / 'dataset'}", "--dataset.episode=0"],
        ("find-port",): [],
        ("find-cameras",): [f"--output_dir={folder}"],
        ("doctor",): [*ARM, *(f"--{field}={folder}" for field in ("folder", "robot.calibration_dir", "teleop.calibration_dir"))],
        ("setup-motors",): [*arm],
        ("calibrate",): [*arm],
        ("plugins",): ["-v"],
        ("config", "show"): ["teleoperate", *ARM],
        ("config", "check"): ["teleoperate", *ARM],
        ("config", "schema"): ["teleoperate"],
        ("config", "stations"): [],
        ("demo",): [f"--output-dir={folder}"],
        ("emulate", "so101"): [f"--faults={folder / 'faults.yaml'}"],
        ("train",): ["--policy.type=act", "--dataset.repo_id=bench/push", f"--dataset.root={folder / 'dataset'}", "--dry-run"],
    }


by_name = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
Sweep = Callable[[Command], Ran]


def sweep(more: Command, plugins: tuple[str, ...] = ALL) -> Iterator[Sweep]:
    """Every command with these words more."""
    yield from started(dict.fromkeys([(), *COMMANDS], more), plugins)


def started(words: Mapping[Command, Sequence[str]], plugins: tuple[str, ...], **environment: str) -> Iterator[Sweep]:
    """Commands with their words: started together, since what takes time is an import that sleeps."""
    with ThreadPoolExecutor(4) as pool:
        runs = {each: pool.submit(hilt, [*each, *more], plugins=plugins, **environment) for each, more in words.items()}
        yield lambda command: runs[command].result()


@pytest.fixture(scope="module")
def helped() -> Iterator[Sweep]:
    yield from sweep(("--help",))


@pytest.fixture(scope="module")
def alone() -> Iterator[Sweep]:
    yield from sweep((WRONG,), HEALTHY)


@pytest.fixture(scope="module")
def beside() -> Iterator[Sweep]:
    yield from sweep((WRONG,))


@pytest.fixture(scope="module")
def unplugged() -> Iterator[Sweep]:
    yield from sweep((WRONG, "--no-plugins"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `machine`, a computer that has one port, on which no motor answers."""
    folder = tmp_path_factory.mktemp("real")
    machine = UsbTree(folder / "machine")
    machine.node(machine.plug("1-2", "1a86:55d3", serial="5A46085090"), SERIAL_PORTS, "ttyACM0")
    return folder


@pytest.fixture(scope="module")
def done_alone(folder: Path) -> Iterator[Sweep]:
    yield from started(real(folder), HEALTHY, **{ROOT: str(folder / "machine")})


@pytest.fixture(scope="module")
def done_beside(folder: Path) -> Iterator[Sweep]:
    yield from started(real(folder), ALL, **{ROOT: str(folder / "machine")})


def test_the_commands_are_found() -> None:
    assert {("collect",), ("config", "check"), ("emulate", "so101"), ("plugins",), ("train",)} <= set(COMMANDS)


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_help_says_nothing_of_plugins(helped: Sweep, command: Command) -> None:
    ran = helped(command)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.lstrip().startswith(f"Usage: {' '.join(('hilt', *command))}")
    assert "garbage" not in ran.stdout


def test_help_imports_no_plugin_and_nothing_heavy() -> None:
    code = "import sys; from hilt.cli import main; main(['--help']); print('IMPORTED', *sys.modules)"
    path = os.pathsep.join(str(PLUGINS / name) for name in ALL)
    environment = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    imported = {name.partition(".")[0] for name in ran.stdout.partition("IMPORTED")[2].split()}
    assert imported & {"attr", "attrs", "cattrs", "numpy", "packaging", "pluggy", "rich", "torch", "yaml"} == set()
    assert {name for name in imported if name.startswith("hilt_")} == set()


@by_name
def test_a_wrong_command_line_is_refused_as_without_them(alone: Sweep, beside: Sweep, command: Command) -> None:
    expected, ran = alone(command), beside(command)
    assert expected.returncode == 2
    assert (ran.returncode, ran.stdout, besides(ran.stderr)) == (2, expected.stdout, besides(expected.stderr))
    assert told(ran.stderr) == list(BROKEN) or (command[0] not in CONFIGURED and not told(ran.stderr)), "each once"
    assert "Traceback" not in ran.stderr


def test_every_command_is_really_run() -> None:
    assert set(real(Path())) == set(RUNNABLE)


def lines(text: str) -> list[str]:
    """Without the columns that they are in, and without what the doctor measures of this computer."""
    before, title, after = text.partition("USB ports and cameras")
    return [" ".join(line.split()) for line in (after if title else before).splitlines()]


@pytest.mark.parametrize("command", RUNNABLE, ids=" ".join)
def test_what_a_command_does_it_does_beside_them(done_alone: Sweep, done_beside: Sweep, command: Command) -> None:
    expected, ran = done_alone(command), done_beside(command)
    assert (ran.returncode, besides(ran.stderr)) == (expected.returncode, besides(expected.stderr))
    assert expected.stdout or expected.stderr
    missing = [line for line in lines(expected.stdout) if line not in set(lines(ran.stdout))]
    assert [line for line in missing if not line.startswith(VARYING.get(command, ()))] == []


@by_name
def test_every_command_takes_no_plugins(unplugged: Sweep, command: Command) -> None:
    ran = unplugged(command)
    assert ran.returncode == 2
    assert told(ran.stderr) == []
    assert ("left out by --no-plugins" in ran.stderr) == (command[0] not in commands.own())


@pytest.mark.parametrize("command", [["plugins"], ["config", "check", "teleoperate", *ARM]], ids=["plugins", "check"])
def test_metadata_that_cannot_be_read(command: list[str]) -> None:
    alone, ran = hilt(command, plugins=()), hilt(command, plugins=["damaged"])
    assert (alone.returncode, ran.returncode) == (0, 0)
    assert "hilt-fixture-damaged 0.1" in ran.stdout + ran.stderr
    assert "its entry_points.txt cannot be read" in ran.stdout + ran.stderr


def test_verbose_shows_where_they_fail() -> None:
    ran = hilt(["config", "check", "teleoperate", *ARM, "--verbose"])
    assert ran.returncode == 0
    assert ran.stderr.count("Traceback") == 4, "those that raised, with where"
    assert 'hilt_fixture_lister.py", line 6, in hilt_robots' in ran.stderr
    assert "OSError: no such file: robots.json" in ran.stderr
    assert "/kernel/" not in ran.stderr


def test_disabled_by_name_it_is_as_without_them() -> None:
    words = ["config", "check", "teleoperate", *ARM]
    ran = hilt(words, HILT_DISABLE=",".join(BROKEN))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == hilt(words, plugins=()).stdout


def test_a_misspelt_name_is_told() -> None:
    ran = hilt(["emulate", "so101", "--no-such-field=1"], plugins=("ok",), HILT_DISABLE="fixture_okk, nonsense,fixture-ok")
    first, second, *_ = ran.stderr.splitlines()
    assert first == "hilt: HILT_DISABLE names 'fixture_okk', which is not installed; did you mean fixture-ok?"
    assert second == "hilt: HILT_DISABLE names 'nonsense', which is not installed; hilt plugins lists the names"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["greet", "--name=you"], "'greet' is provided by hilt-fixture-ok 1.2 and hilt-fixture-taken 2.0"),
        (["teleoperate", *ARM, "--robot.type=fixture_arm"], "fixture-ok (hilt-fixture-ok 1.2) and by fixture-taken (hilt-"),
    ],
    ids=["command", "device"],
)
def test_two_claims_are_fatal_to_who_asks_for_the_name(command: list[str], said: str) -> None:
    ran = hilt(command)
    assert ran.returncode == 2
    assert said in ran.stderr


def test_a_claim_is_settled_by_disabling_one() -> None:
    ran = hilt(["greet", "--name=you"], plugins=("ok", "taken"), HILT_DISABLE="fixture-taken")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello you\n", "")
    ran = hilt(["greet"], plugins=("ok", "taken"), HILT_DISABLE="fixture-taken,hilt-fixture-ok")
    assert ran.returncode == 2
    assert "'greet' comes with hilt-fixture-ok 1.2 and hilt-fixture-taken 2.0, left out by HILT_DISABLE" in ran.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fixture-exits", "SystemExit: 7"),
        ("fixture-no-app", "TypeError: hilt_fixture_commands_no_app:app is 'I am no app', not a typer app"),
        ("fixture-wrong", "RuntimeError: Type not yet supported"),
        ("unloadable", "ModuleNotFoundError: No module named 'a_driver_that_nobody_has'"),
    ],
)
def test_a_broken_command_is_one_line(name: str, why: str) -> None:
    ran = hilt([name])
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"hilt: the command '{name}' of hilt-fixture-")
    assert f"cannot be loaded: {why}" in line


@pytest.mark.parametrize("width", [80, 120])
def test_all_of_them_are_listed(width: int) -> None:
    ran = hilt(["plugins"], COLUMNS=str(width))
    assert (ran.returncode, ran.stderr) == (0, "")
    table = ran.stdout.partition("\n\n")[0].splitlines()
    assert max(map(len, table)) <= width
    rows = {line.split()[0]: line.split()[2] for line in table if not line.startswith(" ")}
    assert {name for name, state in rows.items() if state == "failed"} == set(BROKEN)
    assert {f"fixture-{name}" for name in ALL} - {"fixture-halfgone", "fixture-commands"} <= set(rows)
    assert "hilt plugins NAME shows one in detail" in ran.stdout
    assert "Traceback" not in ran.stdout
