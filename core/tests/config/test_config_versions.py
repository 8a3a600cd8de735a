"""The format of files: none is format 1, a newer one is refused, an older one is brought up to date."""

from pathlib import Path
from typing import Any

import pytest

from hilt.config import TeleoperateConfig, parse, read, show, versions
from hilt.kernel import Registry
from hilt_hooks import ConfigError

FILE = """version: {version}
robot: {{type: so101_follower, port: a}}
leader: {{type: so101_leader, prt: b}}
"""


def two_formats_on(data: dict[str, Any]) -> dict[str, Any]:
    return {("teleop" if key == "leader" else key): value for key, value in data.items()}


def one_format_on(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"fps": data.get("fps", 25)}


@pytest.fixture
def third_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the format had changed twice: what is `teleop` was `leader`, and what is 60 by default was 25."""
    monkeypatch.setattr(versions, "VERSION", 3)
    monkeypatch.setattr(versions, "MIGRATIONS", {1: one_format_on, 2: two_formats_on})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bench.yaml"


@pytest.mark.parametrize("text", ["version: 1\n", ""])
def test_a_file_without_version_has_the_first_format(file: Path, registry: Registry, text: str):
    file.write_text(f"{text}robot: {{type: so101_follower, port: a}}\nteleop: {{type: so101_leader, port: b}}\n")
    notes: list[str] = []
    assert parse(TeleoperateConfig, [f"--config={file}"], registry, notes.append).robot.config.port == "a"
    assert notes == []


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("2", "the file has format 2, this hilt reads up to 1; pip install -U hilt"),
        ("0", "expected a whole number from 1 to 1, got 0"),
        ("true", "expected a whole number from 1 to 1, got True"),
        ("'1'", "expected a whole number from 1 to 1, got '1'"),
    ],
)
@pytest.mark.parametrize("flag", ["config", "station"])
def test_another_format_is_refused_and_nothing_else_is_said(file: Path, registry: Registry, flag: str, version: str, says: str):
    file.write_text(FILE.format(version=version))
    with pytest.raises(ConfigError) as caught:
        parse(TeleoperateConfig, [f"--{flag}={file}"], registry)
    (problem,) = caught.value.problems
    assert problem.endswith(f"bench.yaml:1: version: {says}")


@pytest.mark.usefixtures("third_format")
@pytest.mark.parametrize(("version", "fps"), [(1, 25), (2, 60)])
@pytest.mark.parametrize("flag", ["config", "station"])
def test_an_older_format_is_read_and_told(file: Path, registry: Registry, flag: str, version: int, fps: int):
    file.write_text(FILE.format(version=version).replace("prt", "port"))
    notes: list[str] = []
    config = parse(TeleoperateConfig, [f"--{flag}={file}"], registry, notes.append)
    assert config.teleop.config.port == "b"
    assert config.fps == fps
    assert [note.partition(": ")[2] for note in notes] == [f"has format {version}, read as format 3; the file is not changed"]


@pytest.mark.usefixtures("third_format")
def test_what_is_shown_is_of_the_newest_format(file: Path, registry: Registry):
    file.write_text(FILE.format(version=1).replace("prt", "port"))
    shown = show(read(TeleoperateConfig, [f"--config={file}"], registry), registry, defaults=False)
    assert shown.startswith("version: 3\n")
    file.write_text(shown)
    notes: list[str] = []
    assert parse(TeleoperateConfig, [f"--config={file}"], registry, notes.append).fps == 25
    assert notes == []


def test_every_older_format_has_its_migration():
    assert sorted(versions.MIGRATIONS) == list(range(1, versions.VERSION))
