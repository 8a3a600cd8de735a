"""Start a bench and talk to it.

with Bench.start(seed=3) as bench:
    bench.hand.hold()
    print(bench.robot_port, bench.state()["cube"])
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import asdict

from hilt_hooks import ConnectError
from hilt_robot_emulated.control import ControlClient
from hilt_robot_emulated.fault_script import load_faults
from hilt_robot_emulated.folder import control_path, describe, find, new_folder
from hilt_robot_emulated.settings import DEFAULT_CAMERAS, Settings, View, check_cameras, save_settings
from hilt_robot_emulated.waypoint import Waypoint

_STOP_S = 5.0
NO_GL = "off"
"""MUJOCO_GL of processes that do not render: MuJoCo then looks for no OpenGL, which may be missing."""
_PACKAGES: Mapping[str, str] = {"egl": "libegl1 libegl-mesa0 libgl1-mesa-dri", "osmesa": "libosmesa6"}
"""Ways of rendering without a screen, in the order in which they are tried -> the Debian packages that they need."""


class HandControl:
    """The scripted hand on the leader."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def hold(self, pose: Mapping[str, float] | None = None) -> None:
        """Hold the leader where it is, or pull it to `pose` at once."""
        self._client.command("hold", **({} if pose is None else {"pose": dict(pose)}))

    def release(self) -> None:
        self._client.command("release")

    def move(self, path: Iterable[Waypoint]) -> None:
        """Take hold, if need be, and go through `path`. Returns at once; `moving` says when it is there."""
        self._client.command("move", path=[asdict(waypoint) for waypoint in path])

    @property
    def moving(self) -> bool:
        return bool(self._client.command("state")["hand"] == "moving")


class BenchClient:
    """A bench that runs, started by whomever."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.description = describe(folder)
        self._client = ControlClient(control_path(folder))
        self.hand = HandControl(self._client)

    @classmethod
    def find(cls, bench: str = "") -> "BenchClient":
        """bench: a run folder, its name, or "" for the only one that runs. Raises ConnectError."""
        return BenchClient(find(bench))

    @property
    def robot_port(self) -> str:
        return str(self.description["ports"]["robot"])

    @property
    def leader_port(self) -> str:
        return str(self.description["ports"]["leader"])

    @property
    def calibration_dir(self) -> Path:
        return Path(self.description["calibration_dir"])

    @property
    def flags(self) -> list[str]:
        """The flags of any command that make it use this bench."""
        types, ids, cameras = self.description["types"], self.description["ids"], self.description["cameras"]
        listed = {name: {"type": "emulated", "bench": str(self.folder), "name": name, **view} for name, view in cameras.items()}
        flags = [
            f"--robot.type={types['robot']}",
            f"--robot.port={self.robot_port}",
            f"--robot.id={ids['robot']}",
            f"--robot.calibration_dir={self.calibration_dir}",
            f"--teleop.type={types['leader']}",
            f"--teleop.port={self.leader_port}",
            f"--teleop.id={ids['leader']}",
            f"--teleop.calibration_dir={self.calibration_dir}",
        ]
        return [*flags, f"--robot.cameras={json.dumps(listed)}"] if listed else flags

    def command(self, do: str, **fields: Any) -> dict[str, Any]:
        """Any command of the control socket, which is a method of `bus.Commands`: state, move, faults, unplug, ..."""
        return self._client.command(do, **fields)

    def state(self) -> dict[str, Any]:
        """cube, cube_yaw, goal, success, hand (`off`, `holding`, `moving`), robot and leader poses, torque by arm."""
        return self.command("state")

    def close(self) -> None:
        self._client.close()


class Bench(BenchClient):
    """A bench of one's own: it ends with `stop`, and by itself when this process is gone."""

    def __init__(self, folder: Path, children: Iterable["subprocess.Popen[str]"], temporary: bool) -> None:
        super().__init__(folder)
        self._children, self._temporary = list(children), temporary

    @classmethod
    def start(
        cls,
        cameras: Mapping[str, View] = DEFAULT_CAMERAS,
        seed: int = 0,
        folder: Path | None = None,
        faults: Path | None = None,
        fresh: bool = False,
    ) -> "Bench":
        """Start the processes and wait until ports, control socket and first frames are there.

        cameras: name (`front`, `wrist`) -> size and rate; {} renders nothing. folder: an empty or new one, kept afterwards;
        None makes a temporary one. faults: a script of what goes wrong, whose times count from here. fresh: the
        arms are new, neither set up nor calibrated: commands `plug` and `sweep`. Raises ConfigError, or
        ConnectError when a process does not come up.
        """
        check_cameras(cameras)
        script = None if faults is None else load_faults(faults).plain
        run_folder = new_folder() if folder is None else folder
        run_folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(seed=seed, cameras=cameras, parent=os.getpid(), temporary=folder is None, faults=script, fresh=fresh)
        save_settings(run_folder, settings)
        children: list[subprocess.Popen[str]] = []
        try:
            children.append(_launch("bus", run_folder, {"MUJOCO_GL": NO_GL}))
            if cameras:
                children.append(_launch_renderer(run_folder))
            return cls(run_folder, children, temporary=folder is None)
        except BaseException:
            _end(children)
            if folder is None:
                shutil.rmtree(run_folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """End the processes and remove the temporary folder. May be called twice."""
        self.close()
        _end(self._children)
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self) -> None:
        """Until one of the processes ends by itself. Raises ConnectError then."""
        self._children[0].wait()
        raise ConnectError(f"the bench of {self.folder} ended by itself")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _launch(module: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start a child and wait for the line with which it says that it is ready."""
    log_path = folder / f"{module}.log"
    with open(log_path, "w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", f"hilt_robot_emulated.{module}", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **environment},
        )
    assert child.stdout is not None  # noqa: S101 - asked for above
    with child.stdout:
        line = child.stdout.readline()
    if not line:  # it did not live to say why; the last line of its traceback does
        child.wait()
        raise ConnectError(f"the bench's {module} process did not start: {(log_path.read_text().splitlines() or ['?'])[-1]}")
    answer = json.loads(line)
    if "error" in answer:
        child.wait()
        raise ConnectError(f"the bench's {module} process did not start: {answer['error']}")
    return child


def _launch_renderer(folder: Path) -> "subprocess.Popen[str]":
    """With the OpenGL that MUJOCO_GL names, else with the first that works."""
    if sys.platform != "linux":
        return _launch("render", folder, {})
    wanted = os.environ.get("MUJOCO_GL")
    failures = []
    for backend in (wanted,) if wanted else _PACKAGES:
        try:
            return _launch("render", folder, {"MUJOCO_GL": backend})
        except ConnectError as error:
            failures.append(ConnectError(f"MUJOCO_GL={backend}: {error}"))
    packages = _PACKAGES.get(wanted or "", _PACKAGES["egl"])
    raise ConnectError(f"no off-screen OpenGL works here; run: sudo apt-get install -y {packages}", failures)


def _end(children: Iterable["subprocess.Popen[str]"]) -> None:
    # The renderer first: the world's process removes the folder.
    for child in reversed(list(children)):
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
