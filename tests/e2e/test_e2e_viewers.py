"""A person looks on: viewers show a whole session, and nothing that they do is felt in it."""

import json
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import e2e_session
import pytest
from e2e_commands import teleoperate
from e2e_session import Terminal, run, runs, until

from hilt_robot_emulated.bench import Bench

PLUGIN = """
import json
from pathlib import Path
from attrs import frozen
from hilt_hooks import ConnectError, ViewerDescriptor, hookimpl, option

@frozen(kw_only=True)
class DiaryConfig:
    path: Path = option(help="File")
    raises: bool = option(False, help="Whether it raises instead of opening")

class Diary:
    def __init__(self, config):
        self._config = config

    def open(self, session):
        if self._config.raises:
            raise ConnectError("there is no paper")
        self._write(session=session.session, robot=session.robot, cameras=sorted(session.cameras))

    def show(self, view):
        self._write(
            phase=view.phase,
            measured=view.measured.vector.as_dict(),
            sent=sorted(view.sent.as_dict()),
            images={name: frame.image.shape for name, frame in view.images.items()},
        )

    def close(self):
        self._write(closed=True)

    def _write(self, **line):
        with open(self._config.path, "a") as file:
            file.write(json.dumps(line) + chr(10))

@hookimpl
def hilt_viewers():
    return [ViewerDescriptor(name="diary", summary="A file", config=DiaryConfig, factory="hilt_test_diary:Diary")]
"""


@pytest.fixture
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A viewer that is installed for this test; gives the file that it writes."""
    folder = tmp_path / "plugins"
    info = folder / "hilt_test_diary-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "hilt_test_diary.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hilt-test-diary\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hilt]\ndiary = hilt_test_diary\n")
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setitem(e2e_session.ENVIRONMENT, "PYTHONPATH", os.pathsep.join(filter(None, paths)))
    return tmp_path / "diary"


def read(file: Path) -> list[dict[str, object]]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def test_it_sees_phases_joints_and_cameras(bench: Bench, diary: Path) -> None:
    with Terminal(teleoperate(bench, "--viewer.type=diary", f"--viewer.path={diary}")) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("human")
        until(
            lambda: any(line.get("phase") == "human" and line["images"] for line in read(diary)), "it is shown", screen=terminal
        )
        assert terminal.leave() == 0
        assert "viewer" not in terminal.text
    first, *views, last = read(diary)
    joints = [name for name in bench.state()["robot"] if name.endswith(".pos")]
    assert first["cameras"] == ["front", "wrist"]
    assert last == {"closed": True}
    assert all(sorted(joints) == view["sent"] and set(joints) <= set(view["measured"]) for view in views)
    assert set(views[-1]["images"]) == {"front", "wrist"}


def test_its_death_is_a_line_and_nothing_else(arms: Bench, diary: Path) -> None:
    with Terminal(teleoperate(arms, "--viewer.type=diary", f"--viewer.path={diary}")) as terminal:
        terminal.phase("ready")
        until(lambda: len(read(diary)) > 2, "it is shown", screen=terminal)
        victim = terminal.member("viewers")
        os.kill(victim, signal.SIGKILL)
        terminal.expect(r"^the viewers process ended \(exit -9\); the session goes on without it$")
        assert not runs(victim)
        terminal.press("enter")
        terminal.phase("human")
        assert terminal.leave() == 0


def test_one_that_cannot_open_is_a_line_and_the_other_goes_on(arms: Bench, diary: Path) -> None:
    viewers = f"[{{type: diary, path: {diary}-1, raises: true}}, {{type: diary, path: {diary}}}]"
    with Terminal(teleoperate(arms, f"--viewers={viewers}")) as terminal:
        terminal.expect(r"^viewer diary: there is no paper$")
        until(lambda: len(read(diary)) > 2, "the other one is shown", screen=terminal)
        assert terminal.leave() == 0


def test_one_that_is_not_there_stops_the_command(arms: Bench) -> None:
    ran = run(teleoperate(arms, "--viewer.type=wall"))
    assert ran.returncode == 2
    assert "no installed plugin provides the viewer 'wall'" in ran.stderr


rerun_is_there = pytest.mark.skipif(
    not (find_spec("rerun") and find_spec("hilt_viewer_rerun")),
    reason="rerun is not installed (500 MB): pip install -e plugins/viewers/rerun",
)


@rerun_is_there
def test_rerun_writes_a_session(bench: Bench, tmp_path: Path) -> None:
    from rerun.chunk import RrdReader

    file = tmp_path / "session.rrd"
    with Terminal(teleoperate(bench, "--viewer.type=rerun", f"--viewer.save={file}")) as terminal:
        terminal.phase("ready")
        terminal.press("enter")
        terminal.phase("human")
        until(lambda: file.exists() and file.stat().st_size > 100_000, "it is written", screen=terminal)
        assert terminal.leave() == 0
    entities = {chunk.entity_path for chunk in RrdReader(file).stream().to_chunks()}
    joints = {f"/joints/{name}" for name in bench.state()["robot"] if name.endswith(".pos")}
    assert {"/cameras/front", "/cameras/wrist", "/status", "/events"} | joints <= entities


@rerun_is_there
def test_rerun_without_a_display_stops_the_command(arms: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delitem(e2e_session.ENVIRONMENT, name, raising=False)
    with Terminal(teleoperate(arms, "--display_data=true")) as terminal:
        terminal.expect("viewer: there is no display here to open Rerun's window on")
        assert terminal.ended() == 2
