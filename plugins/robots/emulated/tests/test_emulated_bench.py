"""A running bench through its ports, its control socket and its cameras."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hilt_hooks import ConfigError, ConnectError, DeviceLost
from hilt_motor_feetech.calibration import load_calibration
from hilt_robot_emulated.bench import Bench, BenchClient
from hilt_robot_emulated.calibration import CHANNELS, from_channels, motor_calibration, to_channels
from hilt_robot_emulated.camera import EmulatedCamera
from hilt_robot_emulated.config import EmulatedCameraConfig
from hilt_robot_emulated.folder import is_emulated_port, is_running, running
from hilt_robot_emulated.settings import View
from hilt_robot_emulated.waypoint import Waypoint
from hilt_robot_emulated.wire import WireReader
from hilt_robot_emulated.world import REST

GOALS = [2048, 2048, 2048, 2600, 2300, 2000]
UP = to_channels([0.3, 0.2, -0.1, 0.6, 0.4, 0.3])
Eventually = Callable[[Callable[[], bool]], None]
OpenArm = Callable[[str], object]


@pytest.fixture(scope="module")
def filmed() -> Iterator[Bench]:
    """With cameras, one of them at another size."""
    with Bench.start(cameras={"front": View(160, 120, 20.0), "wrist": View()}, seed=2) as bench:
        yield bench


def _near(pose: dict[str, float], wanted: dict[str, float], within: float = 2.0) -> bool:
    return all(abs(pose[name] - wanted[name]) < within for name in CHANNELS)


def test_servos_answer_on_both_ports(bench: Bench, wire_arm: OpenArm) -> None:
    for port in (bench.robot_port, bench.leader_port):
        assert wire_arm(port).answers(3)


def test_packets_move_the_robot(bench: Bench, wire_arm: OpenArm, eventually: Eventually) -> None:
    robot = wire_arm(bench.robot_port)
    robot.torque(True)
    assert bench.state()["torque"] == {"robot": [True] * 6, "leader": [False] * 6}
    robot.write(GOALS)
    eventually(lambda: np.abs(np.subtract(robot.read_surely(), GOALS)).max() <= 12)


def test_files_registers_and_world_agree(bench: Bench, wire_arm: OpenArm) -> None:
    """What the wire says, seen through the calibration file, is where the arm is."""
    for arm, name in (("robot", "follower"), ("leader", "leader")):
        calibration = load_calibration(bench.calibration_dir / f"{name}.json")
        assert calibration == motor_calibration(arm)
        port = {"robot": bench.robot_port, "leader": bench.leader_port}[arm]
        raw, pose = wire_arm(port).read_surely(), bench.state()[arm]
        for present, (joint, motor) in zip(raw[:5], list(calibration.items())[:5], strict=True):
            degrees = (present - (motor.range_min + motor.range_max) / 2) * 360 / 4095
            assert degrees == pytest.approx(pose[f"{joint}.pos"], abs=1.0)


def test_the_wire_is_logged(bench: Bench, wire_arm: OpenArm, eventually: Eventually) -> None:
    log = WireReader(bench.folder, from_start=True)
    wire_arm(bench.robot_port).write(GOALS)
    entries: list[object] = []
    eventually(lambda: bool(entries.extend(log.drain()) or entries))
    assert (entries[0].arm, entries[0].goals) == ("robot", dict(zip(range(1, 7), GOALS, strict=True)))
    log.close()


def test_the_hand_moves_and_lets_go(bench: Bench, eventually: Eventually) -> None:
    bench.hand.move([Waypoint(UP, 90.0)])
    assert bench.hand.moving
    eventually(lambda: not bench.hand.moving and _near(bench.state()["leader"], UP))
    bench.hand.release()
    assert bench.state()["hand"] == "off"
    eventually(lambda: not _near(bench.state()["leader"], UP, 5.0))


def test_reset_places_the_cube_by_seed(bench: Bench) -> None:
    start = bench.state()
    assert bench.command("reset") == {"seed": 6}
    assert bench.state()["goal"] != start["goal"]
    bench.command("reset", seed=5)
    assert bench.state()["goal"] == start["goal"]
    bench.command("place", cube=[0.25, 0.05], goal=[0.25, 0.05])
    assert bench.state()["success"]


@pytest.mark.parametrize(
    ("do", "fields", "says"),
    [
        ("dance", {}, "known are state, hold"),
        ("hold", {"pose": {"elbow.pos": 1.0}}, "shoulder_pan.pos"),
        ("faults", {"arm": "robot", "fire": 1}, "known are corrupt"),
        ("place", {"cup": [1, 2]}, "TypeError"),
    ],
)
def test_wrong_commands_are_answered(bench: Bench, do: str, fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        bench.command(do, **fields)
    assert bench.state()["hand"] == "off"


def test_faults_reach_the_wire(bench: Bench, wire_arm: OpenArm) -> None:
    robot = wire_arm(bench.robot_port)
    bench.command("faults", arm="robot", dead=[3])
    assert not robot.answers(3)
    faults = bench.command("faults", arm="robot", dead=[])
    well = {"corrupt": 0.0, "drop": 0.0, "delay_ms": 0.0, "cut": False, "dead": [], "overloaded": [], "volts": 12.0}
    assert faults == well
    assert robot.answers(3)


def test_unplugged_and_plugged_in_again(bench: Bench, wire_arm: OpenArm) -> None:
    wire_arm(bench.robot_port).torque(True)
    bench.command("unplug", arm="robot")
    assert not os.path.exists(bench.robot_port)
    assert bench.state()["torque"]["robot"] == [True] * 6
    bench.command("replug", arm="robot")
    assert wire_arm(bench.robot_port).answers(1)


def test_ports_are_known_as_emulated(bench: Bench) -> None:
    assert is_emulated_port(bench.robot_port)
    assert is_emulated_port(os.path.realpath(bench.leader_port))
    assert not is_emulated_port("/dev/ttyACM0")


def test_another_process_finds_the_bench(bench: Bench) -> None:
    assert bench.folder in list(running())
    other = BenchClient.find(bench.folder.name)
    assert other.state()["cube"] == pytest.approx(bench.state()["cube"], abs=1e-4)
    other.close()


def test_two_benches_are_two(bench: Bench) -> None:
    with Bench.start(cameras={}) as other:
        assert other.folder != bench.folder
        with pytest.raises(ConnectError, match="say which one"):
            BenchClient.find("")


def test_a_folder_has_one_bench(tmp_path: Path) -> None:
    with Bench.start(cameras={}, folder=tmp_path), pytest.raises(ConnectError, match="runs in"):
        Bench.start(cameras={}, folder=tmp_path)
    assert not is_running(tmp_path)
    with Bench.start(cameras={}, folder=tmp_path) as again:
        assert len(again.state()["cube"]) == 3
    assert tmp_path.is_dir()


def test_stop_leaves_nothing(eventually: Eventually) -> None:
    bench = Bench.start(cameras={})
    port = bench.robot_port
    bench.stop()
    bench.stop()
    assert not bench.folder.exists()
    assert not is_emulated_port(port)
    with pytest.raises(ConnectError, match="hilt emulate so101"):
        BenchClient.find(str(bench.folder))


def test_an_unknown_camera_is_refused() -> None:
    with pytest.raises(ConfigError, match="front, wrist"):
        Bench.start(cameras={"side": View()})


def test_missing_opengl_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    with pytest.raises(ConnectError, match="apt-get install -y libegl1"):
        Bench.start(folder=tmp_path / "bench")
    assert not is_running(tmp_path / "bench")


def test_it_ends_with_a_killed_starter(eventually: Eventually) -> None:
    source = (
        "import sys; from hilt_robot_emulated.bench import Bench; from hilt_robot_emulated.settings import View\n"
        "bench = Bench.start({'front': View(64, 48, 10)}); print(bench.folder, *(c.pid for c in bench._children), flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        folder, *pids = starter.stdout.readline().split()
        assert is_running(Path(folder))
        starter.kill()
        starter.wait()
        eventually(lambda: not Path(folder).exists())
        eventually(lambda: not any(_lives(int(pid)) for pid in pids))


def _lives(pid: int) -> bool:
    """Neither gone nor a zombie that nobody collects."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _camera(bench: Bench, **config: object) -> EmulatedCamera:
    camera = EmulatedCamera(EmulatedCameraConfig(bench=str(bench.folder), **config))
    camera.connect()
    return camera


def test_cameras_deliver_new_frames(filmed: Bench) -> None:
    camera = _camera(filmed, name="wrist")
    frames = [camera.read(5.0) for _ in range(5)]
    camera.disconnect()
    assert frames[0].image.shape == camera.streams[0].shape == (240, 320, 3)
    assert all(after.sequence > before.sequence for before, after in itertools.pairwise(frames))
    assert all(after.time_ns > before.time_ns for before, after in itertools.pairwise(frames))


def test_cameras_see_the_cube_and_the_goal_move(filmed: Bench, eventually: Eventually) -> None:
    camera = _camera(filmed, name="front", width=160, height=120, fps=20.0)
    filmed.command("place", cube=[0.2, -0.08], goal=[0.27, 0.08])
    camera.read(5.0)
    eventually(lambda: _column(camera.read(5.0).image, 0) < _column(camera.read(5.0).image, 1))
    filmed.command("place", cube=[0.2, 0.08], goal=[0.27, -0.08])
    eventually(lambda: _column(camera.read(5.0).image, 0) > _column(camera.read(5.0).image, 1))
    camera.disconnect()


def _column(image: np.ndarray, colour: int) -> float:
    """Mean column of what is clearly red (0) or green (1); NaN if nothing is."""
    strong = image.astype(int)
    others = np.delete(strong, colour, axis=2).max(axis=2)
    columns = np.nonzero(strong[:, :, colour] > others + 60)[1]
    return float(columns.mean()) if len(columns) > 20 else float("nan")


def test_a_camera_that_is_set_up_otherwise_is_refused(filmed: Bench) -> None:
    with pytest.raises(ConnectError, match="160x120 at 20"):
        _camera(filmed, name="front")


def test_a_camera_of_a_bench_that_died_is_lost() -> None:
    with Bench.start(cameras={"front": View()}) as bench:
        camera = _camera(bench, name="front")
        camera.read(5.0)
        os.kill(bench.description["pid"], signal.SIGKILL)
        with pytest.raises(DeviceLost):
            _read_to_the_end(camera)
        camera.disconnect()
        camera.disconnect()
    assert not bench.folder.exists()


def _read_to_the_end(camera: EmulatedCamera) -> None:
    for _ in range(100):
        camera.read(0.5)


def test_flags_fit_what_runs(filmed: Bench) -> None:
    flags = dict(flag.split("=", 1) for flag in filmed.flags)
    assert flags["--robot.port"] == filmed.robot_port
    assert Path(flags["--robot.calibration_dir"], f"{flags['--robot.id']}.json").is_file()
    cameras = json.loads(flags["--robot.cameras"])
    assert {name: EmulatedCameraConfig(**_without_type(camera)).fps for name, camera in cameras.items()} == {
        "front": 20.0,
        "wrist": 30.0,
    }


def _without_type(camera: dict[str, object]) -> dict[str, object]:
    assert camera["type"] == "emulated"
    return {key: value for key, value in camera.items() if key != "type"}


def test_the_bench_starts_at_rest(bench: Bench) -> None:
    assert from_channels(bench.state()["robot"]) == pytest.approx(REST.tolist(), abs=np.radians(4.0))
