import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if not (find_spec("rerun") and find_spec("hilt_viewer_rerun")):
    pytest.skip("rerun is not installed (500 MB): pip install -e plugins/viewers/rerun", allow_module_level=True)

from rerun.chunk import RrdReader

from hilt_hooks import ConfigError, ConnectError, DeviceLost, Frame, Reading, SessionInfo, Vector, View, Viewer
from hilt_viewer_rerun.config import RerunConfig
from hilt_viewer_rerun.drawing import COLORS, CURVES, SOURCES
from hilt_viewer_rerun.place import Place, listens, open_window, place_of, window_command
from hilt_viewer_rerun.plugin import hilt_viewers
from hilt_viewer_rerun.viewer import LOOK_NS, RerunViewer

SECOND = 1_000_000_000
START_NS = 1000 * SECOND
SESSION = SessionInfo(
    session="today",
    robot="arm",
    task="Push the cube",
    fps=30,
    state=("a.pos", "b.pos", "a.current"),
    actions=("a.pos", "b.pos"),
    leader=("b.pos", "a.pos"),
    cameras={"front": (4, 6, 3), "front_depth": (4, 6, 1)},
)


def view(seconds: float, **changed: Any) -> View:
    state = (np.array([1.0, 2.0, 0.1]), np.zeros(3, np.int64), np.array([True, False, True]))
    values: dict[str, Any] = {
        "time_ns": START_NS + round(seconds * SECOND),
        "phase": "human",
        "source": "human",
        "segment": "correction",
        "episode": 3,
        "measured": Reading(SESSION.state, *state),
        "sent": Vector(SESSION.actions, [3.0, 4.0]),
        "requested": Vector(("b.pos", "a.pos"), [6.0, 5.0]),
        "leader": Vector(SESSION.leader, [8.0, 7.0]),
    }
    return View(**(values | changed))


def rgb(sequence: int, time_s: float = 0.0) -> Frame:
    return Frame("front", np.full((4, 6, 3), 200, np.uint8), START_NS + round(time_s * SECOND), sequence)


def depth(sequence: int) -> Frame:
    return Frame("front_depth", np.full((4, 6, 1), 700, np.uint16), START_NS, sequence)


def shown(folder: Path, *views: View, **config: Any) -> "Recorded":
    file = folder / "session.rrd"
    viewer = RerunViewer(RerunConfig(save=file, **config))
    viewer.open(SESSION)
    for each in views:
        viewer.show(each)
    viewer.close()
    return Recorded(file)


class Recorded:
    """What is in a file, by Rerun's own reader."""

    def __init__(self, file: Path) -> None:
        self.reader = RrdReader(file)
        self.batches: dict[str, list[Mapping[str, list[Any]]]] = {}
        for chunk in self.reader.stream().to_chunks():
            self.batches.setdefault(chunk.entity_path, []).append(chunk.to_record_batch().to_pydict())

    def column(self, entity: str, name: str) -> list[Any]:
        return [value for batch in self.batches.get(entity, []) for value in batch.get(name, [])]

    def times_s(self, entity: str, name: str) -> list[float]:
        rows = [time for batch in self.batches[entity] if name in batch for time in batch["session"]]
        return [time.total_seconds() for time in rows]


def test_curves_by_name(tmp_path: Path) -> None:
    recorded = shown(tmp_path, view(0), view(0.05, source="policy", proposed=Vector(SESSION.actions, [9.0, 10.0]), leader=None))
    first, second = recorded.column("/joints/a.pos", "Scalars:scalars")
    assert dict(zip(CURVES, first, strict=True)) == pytest.approx(
        {"measured": 1, "sent": 3, "requested": 5, "proposed": np.nan, "leader": 7}, nan_ok=True
    )
    assert second == pytest.approx([1, 3, 5, 9, np.nan], nan_ok=True)
    assert recorded.column("/joints/b.pos", "Scalars:scalars")[0] == pytest.approx([np.nan, 4, 6, np.nan, 8], nan_ok=True)
    assert recorded.column("/joints/a.current", "Scalars:scalars")[0] == pytest.approx([0.1, *[np.nan] * 4], nan_ok=True)
    assert recorded.times_s("/joints/a.pos", "Scalars:scalars") == pytest.approx([0, 0.05])


def test_the_source_gives_the_color_of_what_is_requested(tmp_path: Path) -> None:
    recorded = shown(tmp_path, view(0), view(1), view(2, source="policy"))
    colors = recorded.column("/joints/a.pos", "SeriesLines:colors")
    assert recorded.column("/joints/a.pos", "SeriesLines:names")[0] == list(CURVES)
    assert [row[CURVES.index("requested")] for row in colors] == [packed(SOURCES["human"]), packed(SOURCES["policy"])]
    assert {row[CURVES.index("sent")] for row in colors} == {packed(COLORS["sent"])}


def packed(color: tuple[int, int, int]) -> int:
    red, green, blue = color
    return red << 24 | green << 16 | blue << 8 | 0xFF


def test_each_image_once_at_its_capture(tmp_path: Path) -> None:
    images = [{"front": rgb(1, -0.25), "front_depth": depth(1)}, {"front": rgb(1, -0.25)}, {"front": rgb(2, 0.75)}]
    recorded = shown(tmp_path, *(view(number, images=each) for number, each in enumerate(images)))
    assert recorded.times_s("/cameras/front", "EncodedImage:blob") == [-0.25, 0.75]
    assert recorded.column("/cameras/front", "EncodedImage:media_type")[0] == ["image/jpeg"]
    assert recorded.column("/cameras/front_depth", "DepthImage:meter") == [[1000.0]]


def test_images_as_they_are(tmp_path: Path) -> None:
    recorded = shown(tmp_path, view(0, images={"front": rgb(1)}), compress_images=False)
    (image,) = recorded.column("/cameras/front", "Image:buffer")
    assert len(image[0]) == 4 * 6 * 3
    assert set(image[0]) == {200}


def test_phases_and_alarms_in_words(tmp_path: Path) -> None:
    stuck = [view(2 + number, alarm=f"elbow cannot follow: {number + 1.5} degrees away") for number in range(3)]
    recorded = shown(tmp_path, view(0), view(1), *stuck, view(5, phase="paused", source="hold"))
    texts = [text for (text,) in recorded.column("/status", "TextDocument:text")]
    assert texts[0] == "# HUMAN\n\n**human** commands (correction), episode 3\n\n_Push the cube_"
    assert "**elbow cannot follow: 1.5 degrees away**" in texts[1]
    assert texts[-1].startswith("# PAUSED\n\n**hold** commands")
    assert len(texts) == 5
    said = [text for (text,) in recorded.column("/events", "TextLog:text")]
    assert said == ["human, episode 3", "elbow cannot follow: 1.5 degrees away", "paused, episode 3"]


def test_a_layout_comes_with_it(tmp_path: Path) -> None:
    (recording,) = shown(tmp_path, view(0)).reader.recordings()
    assert (recording.application_id, recording.recording_id) == ("hilt", "today")
    assert RrdReader(tmp_path / "session.rrd").blueprints()


def test_it_is_a_viewer_that_closes_in_every_state(tmp_path: Path) -> None:
    (descriptor,) = hilt_viewers()
    assert descriptor.name == "rerun"
    viewer = RerunViewer(RerunConfig(save=tmp_path / "a.rrd"))
    assert isinstance(viewer, Viewer)
    viewer.close()
    assert list(tmp_path.iterdir()) == []
    viewer.open(SESSION)
    viewer.close()
    viewer.close()
    assert Recorded(tmp_path / "a.rrd").batches


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"connect": "localhost:9876"}, "viewer.connect: 'localhost:9876' is not of the form rerun+http://HOST:9876/proxy"),
        ({"connect": "rerun+http://lab/proxy", "save": Path("a.rrd")}, "viewer.connect, viewer.save: keep one"),
        ({"save": Path(__file__)}, "is there already; name another file, or remove it"),
        ({"save": Path("/no/such/folder/a.rrd")}, "viewer.save: there is no folder /no/such/folder"),
        ({}, "viewer: there is no display here to open Rerun's window on; show it elsewhere with --viewer.connect="),
    ],
)
def test_a_place_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, config: Mapping[str, Any], said: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError) as caught:
        RerunViewer(RerunConfig(**config))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rerun+http://192.168.1.7:9877/proxy", ("192.168.1.7", 9877)),
        ("rerun+https://lab.example/proxy", ("lab.example", 9876)),
        ("rerun://[::1]:9876/proxy", ("::1", 9876)),
    ],
)
def test_addresses(url: str, address: tuple[str, int]) -> None:
    assert place_of(RerunConfig(connect=url)) == Place(address, url)


def test_a_display_is_a_window_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    place = place_of(RerunConfig())
    assert place.window
    assert place.address == ("127.0.0.1", 9876)
    command = window_command(place.address, "2GB")
    assert command[command.index("--bind") + 1] == "127.0.0.1"
    assert command[command.index("--memory-limit") + 1] == "2GB"


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_nobody_listens(free_port: int) -> None:
    viewer = RerunViewer(RerunConfig(connect=f"rerun+http://127.0.0.1:{free_port}/proxy"))
    with pytest.raises(
        ConnectError, match=rf"no Rerun viewer answers at 127\.0\.0\.1:{free_port} \(Connection refused\); start `rerun`"
    ):
        viewer.open(SESSION)
    viewer.close()


LISTENS = "import socket, sys; server = socket.create_server(('127.0.0.1', int(sys.argv[1]))); server.accept()"


def test_a_window_that_opens_is_waited_for(free_port: int) -> None:
    window = open_window(("127.0.0.1", free_port), [sys.executable, "-c", LISTENS, str(free_port)])
    assert window is not None
    assert window.wait() == 0


def test_a_window_that_closes_at_once(free_port: int) -> None:
    with pytest.raises(ConnectError, match=r"Rerun's window closed at once \(exit 3\); run `.*` to see why"):
        open_window(("127.0.0.1", free_port), [sys.executable, "-c", "raise SystemExit(3)"])


def test_a_window_that_is_open_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert open_window(server.getsockname()[:2], ["no-such-command"]) is None


SERVES = """
import sys, rerun
recording = rerun.RecordingStream("elsewhere")
recording.set_sinks(rerun.GrpcServerSink("127.0.0.1", int(sys.argv[1])))
sys.stdin.read()
"""


@pytest.fixture
def elsewhere(free_port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Rerun's own server, as a viewer on another machine has one."""
    command = [sys.executable, "-c", SERVES, str(free_port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        while not listens(("127.0.0.1", free_port)):
            assert server.poll() is None
        yield server
        server.kill()


def test_a_viewer_that_goes_away_is_lost(elsewhere: "subprocess.Popen[bytes]", free_port: int) -> None:
    viewer = RerunViewer(RerunConfig(connect=f"rerun+http://127.0.0.1:{free_port}/proxy"))
    viewer.open(SESSION)
    viewer.show(view(0))
    viewer.show(view(LOOK_NS / SECOND))
    elsewhere.kill()
    elsewhere.wait()
    with pytest.raises(DeviceLost, match="the Rerun viewer is gone"):
        viewer.show(view(2 * LOOK_NS / SECOND))
    viewer.close()
