"""A whole `hilt collect` on the emulated bench, watched from outside: its ticks, the wire, and a control beside it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen

from hilt.ipc import messages, rundir
from hilt.ipc.messages import Tick
from hilt.ipc.ring import RingReader
from hilt_robot_emulated.bench import Bench
from hilt_robot_emulated.calibration import CHANNELS
from hilt_robot_emulated.settings import DEFAULT_CAMERAS, View
from hilt_robot_emulated.wire import WireReader

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).with_name("fixtures")
HILT = str(Path(sys.executable).with_name("hilt"))
POSE = dict(zip(CHANNELS, (0.0, -55.0, 50.0, 55.0, 0.0, 20.0), strict=True))
"""Folded, above the table. Degrees, percent."""

_LOOK_S = 0.05
_EPISODE_LIMIT_S, _END_S = 180.0, 20.0
_EARLY_NS = 2_000_000
"""The bench may stamp a packet with the time at which it began to look for one."""


@frozen(kw_only=True)
class Plan:
    """script: of the operator, see `hilt_robot_emulated.script`. seconds: what one prediction takes. sway: how far the policy

    moves the arm to either side, degrees.
    """

    episodes: int
    script: str
    fps: int = 30
    interpolation: int = 3
    seconds: float = 0.4
    sway: float = 5.0
    cameras: Mapping[str, View] = field(factory=lambda: DEFAULT_CAMERAS)

    @property
    def period_ns(self) -> int:
        return round(1e9 / (self.fps * self.interpolation))


@frozen(eq=False)
class Trace:
    """ticks: all of the session. arrivals: when the command of each was complete at the servos, ns.

    control: (due, woke) of the bare sleeper, ns. scheduler: policy and priority of the rig; the sleeper had the same.
    """

    period_ns: int
    ticks: list[Tick]
    arrivals: list[int]
    control: list[tuple[int, int]]
    scheduler: tuple[int, int]

    @property
    def start_ns(self) -> int:
        """t0. Raises RuntimeError if the grid t0 + k dt was ever moved."""
        starts = {tick.time_ns - tick.k * self.period_ns for tick in self.ticks}
        if len(starts) != 1:
            raise RuntimeError(f"the rig has moved its grid: t0 took {len(starts)} values")
        return starts.pop()


def collect(plan: Plan) -> Trace:
    """Raises RuntimeError when the session fails, or when something was missed of it."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sleeper = stack.enter_context(Sleeper())
        bench = stack.enter_context(Bench.start(plan.cameras, seed=1))
        watch = stack.enter_context(contextlib.closing(_Watch(bench, sleeper, plan.period_ns)))
        policy = write_policy(plan, folder / "policy")
        _run(command(plan, bench, policy, folder / "dataset"), folder / "output", plan.episodes * _EPISODE_LIMIT_S, watch)
        return watch.trace()


def command(plan: Plan, bench: Bench, policy: Path, dataset: Path) -> list[str]:
    """policy: what `write_policy` has written."""
    return [
        HILT,
        "collect",
        *bench.flags,
        "--input.type=scripted",
        f"--input.bench={bench.folder}",
        f"--input.script={plan.script}",
        f"--policy.path={policy}",
        f"--interpolation_multiplier={plan.interpolation}",
        "--dataset.repo_id=benchmark/session",
        f"--dataset.root={dataset}",
        f"--dataset.fps={plan.fps}",
        f"--dataset.num_episodes={plan.episodes}",
        "--dataset.single_task=Push the cube to the goal",
    ]


def write_policy(plan: Plan, folder: Path) -> Path:
    """A checkpoint of the policy in `fixtures`. Gives the folder."""
    content = {
        "type": "benchmark_slow",
        "seconds": plan.seconds,
        "fps": plan.fps,
        "pose": POSE,
        "sway": plan.sway,
        "cameras": {name: (view.height, view.width, 3) for name, view in plan.cameras.items()},
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def environment(*paths: Path) -> dict[str, str]:
    """Of a session. paths: where Python looks first."""
    everywhere = [*map(str, paths), str(FIXTURES), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(everywhere), "OMP_NUM_THREADS": "1"}


def _run(command: list[str], output: Path, limit_s: float, watch: "_Watch") -> None:
    until = time.monotonic() + limit_s
    with (
        open(output, "w") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment()) as session,
    ):
        while session.poll() is None:
            watch.look(session.pid)
            if (late_s := time.monotonic() - until) > 0:
                session.terminate() if late_s < _END_S else session.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                session.wait(_LOOK_S)
    if session.returncode:
        raise RuntimeError(f"hilt collect ended with exit code {session.returncode}:\n{output.read_text()[-2000:]}")


class _Watch:
    """Follows a session through its rings, which delays nobody in it."""

    def __init__(self, bench: Bench, sleeper: "Sleeper", period_ns: int) -> None:
        self._sleeper, self._period_ns = sleeper, period_ns
        self._wire = WireReader(bench.folder)
        self._ring: RingReader | None = None
        self._scheduler: tuple[int, int] | None = None
        self._packed: list[bytes] = []
        self._arrivals: list[int] = []

    def close(self) -> None:
        self._wire.close()
        if self._ring is not None:
            self._ring.close()

    def look(self, session: int) -> None:
        if self._ring is None:
            self._ring = next(_ticks(session), None)
        if self._ring is not None:
            self._packed += self._ring.drain()
        if self._packed and self._scheduler is None:
            self._start_control(session)
        self._arrivals += [entry.arrival_ns for entry in self._wire.drain() if entry.arm == "robot"]

    def _start_control(self, session: int) -> None:
        note = next((note for folder in _folders(session) if (note := rundir.rig_of(folder))), None)
        if note is not None:
            self._scheduler = os.sched_getscheduler(note.pid), os.sched_getparam(note.pid).sched_priority
            self._sleeper.begin(*self._scheduler, self._period_ns)

    def trace(self) -> Trace:
        self.look(0)
        if self._ring is None or self._scheduler is None or self._ring.lost or self._wire.lost:
            raise RuntimeError("the session was over, or its rings were full, before anybody looked")
        ticks = [tick for tick in map(messages.decode, self._packed) if isinstance(tick, Tick)]
        began = ticks[0].time_ns - _EARLY_NS
        until = time.monotonic() + _END_S
        while len(arrivals := [at for at in self._arrivals if at >= began]) < len(ticks) and time.monotonic() < until:
            time.sleep(_LOOK_S)  # the servos of a busy machine have not read the last command yet
            self.look(0)
        if len(arrivals) != len(ticks):
            raise RuntimeError(f"{len(ticks)} ticks, but {len(arrivals)} commands on the wire")
        control = [(due, woke) for due, woke in self._sleeper.end() if due <= ticks[-1].time_ns]
        return Trace(self._period_ns, ticks, arrivals, control, self._scheduler)


def _folders(session: int) -> Iterator[Path]:
    yield from rundir.base().glob(f"{session}-*")


def _ticks(session: int) -> Iterator[RingReader]:
    for folder in _folders(session):
        if (folder / rundir.TICK).exists():
            yield RingReader(folder / rundir.TICK, after=0)


class Sleeper:
    """The control process: started early, so that its own start falls into nobody's tick."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.sleeper"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def begin(self, policy: int, priority: int, period_ns: int) -> None:
        assert self._process.stdin is not None
        wanted: Mapping[str, Any] = {"policy": policy, "priority": priority, "period_ns": period_ns}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[tuple[int, int]]:
        """(due, woke) in ns."""
        self._process.terminate()
        output, _ = self._process.communicate()
        return [(due, woke) for due, woke in json.loads(output)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
