"""What comes out of a template installs, is listed, passes its own tests and the linter; a bad name makes nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

ROOT = Path(__file__).parents[2]
KINDS = ("robot", "teleop", "policy", "input", "recorder", "bundle")
TYPES = {
    "robot": "robot acme_arm",
    "teleop": "teleoperator acme_leader",
    "policy": "policy go_home",
    "input": "input acme_buttons",
    "recorder": "recorder csv_files",
    "bundle": "bundle acme_lab",
}


SKIPPED = {"input": {"it shows no phases", "the rig has no `absent`"}}
"""What the conformance kit cannot try."""


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass_and_no_other_is_skipped(kind: str, baked: Mapping[str, Path], run: Callable) -> None:
    ran = run("pytest", "-q", "-rs", "-p", "no:cacheprovider", cwd=baked[kind])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    reasons = {line.rpartition(": ")[2] for line in ran.stdout.splitlines() if line.startswith("SKIPPED")}
    assert reasons == SKIPPED.get(kind, set())


def test_all_are_listed_as_working(baked: Mapping[str, Path], run: Callable, tmp_path: Path) -> None:
    ran = run("hilt", "plugins", cwd=tmp_path)
    rows = {
        line.split()[0]: line.split()[1:] for line in ran.stdout.partition("\n\n")[0].splitlines() if line.startswith("hilt-")
    }
    for kind, project in baked.items():
        assert rows[project.name] == ["0.1.0", "ok", *TYPES[kind].split()]


def test_the_linter_has_nothing_to_say(baked: Mapping[str, Path], run: Callable, tmp_path: Path) -> None:
    projects = [str(project) for project in baked.values()]
    ours = [*("check", "--config", str(ROOT / "pyproject.toml")), *(str(project / "src") for project in baked.values())]
    for command in (["check", *projects], ["format", "--check", *projects], ours):
        ran = run("ruff", *command, "--no-cache", cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_types_are_complete(baked: Mapping[str, Path], run: Callable, tmp_path: Path) -> None:
    packages = [word for project in baked.values() for word in ("-p", project.name.replace("-", "_"))]
    ran = run("mypy", "--strict", "--cache-dir", str(tmp_path), *packages, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_station_is_valid_as_a_command_reads_it(run: Callable, tmp_path: Path) -> None:
    ran = run("hilt", "teleoperate", "--station=acme_lab", "--dry-run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "shoulder_pan.pos" in ran.stdout


@pytest.mark.parametrize(
    ("name", "distribution", "type_"),
    [("x5b", "hilt-robot-x5b", "x5b"), ("SO_102 mini-arm", "hilt-robot-so-102-mini-arm", "so_102_mini_arm")],
)
def test_all_names_come_from_one(name: str, distribution: str, type_: str, bake: Callable, tmp_path: Path) -> None:
    project = bake("robot", name, tmp_path)
    module = distribution.replace("-", "_")
    assert project == tmp_path / distribution
    assert f'name = "{type_}"' in (project / "src" / module / "plugin.py").read_text().replace("name=", "name = ")
    assert f'{distribution} = "{module}.plugin"' in (project / "pyproject.toml").read_text()


BAD = {
    "hilt-robot-x": "give 'x'",
    "hilt-robot-hilt-robot-x": "give 'x'",
    "Robot X": "give 'X'",
    "hilt": "give the name of the thing itself",
    "2 arms": "start with a letter",
    "acme  arm": "one space",
    "../acme": "start with a letter",
    "acme'arm": "letters and digits",
    'acme" + evil()': "letters and digits",
    "Ärmchen": "start with a letter",
    "": "start with a letter",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_makes_nothing(name: str, bake: Callable, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FailedHookException):
        bake("robot", name, tmp_path)
    assert [*tmp_path.iterdir()] == []
    said = capfd.readouterr().err
    assert f"name: {name!r} will not do" in said
    assert BAD[name] in said
    assert "Traceback" not in said


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_refuses_its_own_prefix(kind: str, bake: Callable, tmp_path: Path) -> None:
    with pytest.raises(FailedHookException):
        bake(kind, f"hilt-{kind}-hilt-{kind}-x", tmp_path)


def test_all_templates_have_one_guard_and_one_way_to_names() -> None:
    templates = [ROOT / "cookiecutter" / kind for kind in KINDS]
    guards = [(template / "hooks" / "pre_gen_project.py").read_bytes() for template in templates]
    assert guards == guards[:1] * len(KINDS)
    variables = [json.loads((template / "cookiecutter.json").read_text()) for template in templates]
    assert [each["_kind"] for each in variables] == [*KINDS]
    for own in ("name", "_kind", "__prompts__"):
        for each in variables:
            del each[own]
    assert variables == variables[:1] * len(KINDS)
