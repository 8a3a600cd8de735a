"""What is installed keeps the rules that need no rig; what is of this repository is tested by every rule of its kind."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import frozen

from hilt.kernel import Registry
from hilt.kernel.discovery import entries
from hilt.session.operator import check_bindings
from hilt_hooks import Descriptor, InputDescriptor
from hilt_hooks.testing import Check, check_descriptor, conformance
from hilt_hooks.testing.tables import RULES

ROOT = Path(__file__).parents[2]
HERE = (ROOT / "core", ROOT / "plugins")
REGISTRY = Registry.discover()
OPTIONAL = {"hilt-viewer-rerun"}
"""Not set up by `make`: Rerun is 500 MB. Their tests are skipped where they are not installed."""


@frozen
class Provided:
    """A descriptor, and the module that its plugin's entry point names."""

    descriptor: Descriptor
    module: str

    @property
    def name(self) -> str:
        return f"{self.descriptor.kind} {self.descriptor.name}"

    @property
    def in_tree(self) -> bool:
        spec = find_spec(self.module)
        origin = Path(spec.origin if spec and spec.origin else "/")
        return any(origin.is_relative_to(folder) for folder in HERE)


def provided() -> Iterator[Provided]:
    modules = {(entry.name, entry.distribution): entry.point.module for entry in entries()}
    for row in REGISTRY.rows():
        for descriptor in REGISTRY.provided_by(row):
            yield Provided(descriptor, modules[row.name, row.distribution])


INSTALLED = list(provided())
IN_TREE = [each for each in INSTALLED if each.in_tree]


def descriptor_checks() -> Iterator[Check]:
    for each in INSTALLED:
        yield from check_descriptor(each.descriptor, module=each.module)


@conformance(descriptor_checks())
def test_descriptor(check: Check) -> None:
    check.run()


def test_nothing_is_broken() -> None:
    assert [(row.source, row.reason) for row in REGISTRY.broken()] == []


def test_every_plugin_of_this_repository_is_installed() -> None:
    projects = [tomllib.loads(file.read_text())["project"] for file in ROOT.glob("plugins/*/*/pyproject.toml")]
    here = {project["name"] for project in projects if "hilt" in project.get("entry-points", {})}
    assert here - OPTIONAL - {entry.distribution for entry in entries()} == set()
    assert here >= OPTIONAL


@pytest.mark.parametrize("name", [descriptor.name for descriptor in REGISTRY.all(InputDescriptor)])
def test_a_session_knows_what_an_input_means(name: str) -> None:
    check_bindings(name, REGISTRY.find(InputDescriptor, name).bindings)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """`robot so101_follower` -> the ids of the checks that pytest collects in this repository's conformance tests."""
    answer = tmp_path_factory.mktemp("collected") / "checks.json"
    files = sorted(str(file) for folder in HERE for file in folder.rglob("tests/**/test_*conformance*.py"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "conformance_collected", *files]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "CHECKS": str(answer)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found: dict[str, list[str]] = json.loads(answer.read_text())
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="some devices have conformance tests on Linux only")
@pytest.mark.parametrize("provided", [pytest.param(each, id=each.name) for each in IN_TREE])
def test_all_of_this_repository_has_conformance_tests(provided: Provided, tested: Mapping[str, list[str]]) -> None:
    capabilities = provided.descriptor.capabilities
    due = {rule.id for rule in RULES[provided.descriptor.kind] if rule.capabilities <= capabilities}
    assert due - set(tested.get(provided.name, ())) == set()


def test_what_nobody_tries_is_a_rule_of_a_device(tested: Mapping[str, list[str]]) -> None:
    untried = tomllib.loads((Path(__file__).parent / "untried.toml").read_text())
    unknown = {(of, id) for of, reasons in untried.items() for id in reasons if id not in tested.get(of, ())}
    assert unknown == set()
    assert all(reason.strip() for reasons in untried.values() for reason in reasons.values())
