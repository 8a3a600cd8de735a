"""Every template, baked and installed once, away from the environment that the tests run in."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[2]
NAMES: Mapping[str, str] = {
    "robot": "Acme Arm",
    "teleop": "Acme Leader",
    "policy": "Go Home",
    "input": "Acme Buttons",
    "recorder": "CSV Files",
    "bundle": "Acme Lab",
}
"""Template -> the name that it is baked with."""

Bake = Callable[[str, str, Path], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """(kind, name, folder) -> the baked project in that folder."""
    own = tmp_path_factory.mktemp("cookiecutter")
    config = own / "config.yaml"
    config.write_text(f"cookiecutters_dir: {own / 'templates'}\nreplay_dir: {own / 'replay'}\n")

    def call(kind: str, name: str, folder: Path) -> Path:
        template, context = str(ROOT / "cookiecutter" / kind), {"name": name}
        return Path(cookiecutter(template, no_input=True, extra_context=context, output_dir=str(folder), config_file=str(config)))

    return call


@pytest.fixture(scope="session")
def baked(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Template -> the project."""
    folder = tmp_path_factory.mktemp("baked")
    return {kind: bake(kind, name, folder) for kind, name in NAMES.items()}


@pytest.fixture(scope="session")
def environment(baked: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables of a process that sees the projects installed, and nothing of this machine's user."""
    target = tmp_path_factory.mktemp("installed")
    flags = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, "--target", target, *baked.values()], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HILT_")}
    home = tmp_path_factory.mktemp("home")
    own = {"PYTHONPATH": str(target), "XDG_CONFIG_HOME": str(home), "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return kept | own


@pytest.fixture(scope="session")
def run(environment: Mapping[str, str]) -> Run:
    """Run a Python module in such a process: (module, *arguments, cwd)."""

    def call(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return call
