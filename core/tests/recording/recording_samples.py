"""A session and a rig for the recorder: they own the rings, play ticks and frames, and listen to what it says."""

import fcntl
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from hilt.ipc.frames import FrameWriter
from hilt.ipc.lease import Lease
from hilt.ipc.messages import (
    BeginEpisode,
    CameraColumn,
    EndEpisode,
    Header,
    Message,
    Phase,
    Row,
    Segment,
    Source,
    Status,
    Stop,
    Tick,
    decode,
    encode,
)
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import beat
from hilt.log import EpisodeLog
from hilt.recording import RecorderSetup, columns
from hilt.recording.process import run
from hilt_hooks import Frame, HiltError

FPS = 30
NAMES = ["a.pos", "b.pos"]


@frozen
class JsonConfig:
    """refuse: `add LOG`, `remove LOG` or `finish`, or a part of it. started: made as work begins, which waits for `go_on`."""

    path: Path
    refuse: str = ""
    started: Path | None = None
    go_on: Path | None = None


class JsonRecorder:
    """A dataset that is a JSON file: the name of each log, its rows and whether it was recovered. One process at a time."""

    def __init__(self, config: JsonConfig) -> None:
        self._config = config

    def validate(self, columns: Any) -> None:
        pass

    def add(self, episode: Path) -> None:
        with self._work_on(f"add {episode}"):
            log = EpisodeLog(episode)
            assert log.outcome is not None
            episodes = self.read()
            episodes[_name(episode)] = {"rows": sum(1 for _ in log.rows()), "recovered": log.outcome.recovered}
            self._write(episodes)

    def remove(self, episode: Path) -> None:
        with self._work_on(f"remove {episode}"):
            self._write({name: about for name, about in self.read().items() if name != _name(episode)})

    def finish(self) -> dict[str, Any]:
        with self._work_on("finish"):
            return {"episodes": len(self.read())}

    @contextmanager
    def _work_on(self, what: str) -> Iterator[None]:
        if self._config.refuse and self._config.refuse in what:
            raise ValueError("it does not fit")
        with open(self._config.path.with_suffix(".lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody else is at work
            if self._config.started and self._config.go_on:
                self._config.started.touch()
                wait_for(self._config.go_on.exists)
            yield

    def read(self) -> dict[str, Any]:
        return json.loads(self._config.path.read_text()) if self._config.path.exists() else {}

    def _write(self, episodes: dict[str, Any]) -> None:
        draft = self._config.path.with_suffix(".draft")
        draft.write_text(json.dumps(episodes))
        draft.rename(self._config.path)


def _name(episode: Path) -> str:
    return f"{episode.parent.name}/{episode.stem}"


def one_core_run(setup: RecorderSetup) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run(setup)


def orphan(setup: RecorderSetup, started: Any) -> None:
    """A session that starts a recorder and is then killed."""
    process = multiprocessing.get_context("spawn").Process(target=run, args=(setup,))
    process.start()
    started.send(process.pid)
    process.join()


def wait_for(condition: Callable[[], Any], limit_s: float = 60) -> Any:
    end = time.monotonic() + limit_s
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.002)
    return result


def is_waited_for(lock: Path) -> bool:
    """Whether a process stands still until it gets this lock."""
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(line[-3].endswith(f":{lock.stat().st_ino}") for line in waiting)


def level(frame: int) -> int:
    """The grey that all cameras show at a frame; neighbours differ by far more than encoding changes."""
    return 20 + frame * 53 % 200


class Bench:
    """dataset: the JSON file. Sessions of one dataset share `root`."""

    def __init__(
        self,
        root: Path,
        *,
        cameras: int = 1,
        size: tuple[int, int] = (64, 48),
        frame_slots: int = 256,
        session: str = "s1",
        **recorder: Any,
    ) -> None:
        self.root, self.width, self.height = root, *size
        self.logs, self.run_dir = root / "hilt/logs" / session, root / f"run-{session}"
        self.run_dir.mkdir()
        self.config = JsonConfig(root / "dataset.json", **recorder)
        self.cameras = [CameraColumn(name=f"c{n}", height=self.height, width=self.width, channels=3) for n in range(cameras)]
        self.header = Header(
            session=session,
            robot_type="two_joints",
            fps=FPS,
            interpolation=2,
            state_names=NAMES,
            action_names=NAMES,
            leader_names=[],
            columns=columns(NAMES, NAMES, self.cameras),
            cameras=self.cameras,
            config={},
        )
        self.setup = RecorderSetup(
            run_dir=self.run_dir,
            header=self.header,
            logs=self.logs,
            recorder_factory="recording_samples:JsonRecorder",
            recorder_config=self.config,
        )
        self._messages = RingWriter(self.run_dir / "session.ring", slot_bytes=4096, slots=256)
        self._ticks = RingWriter(self.run_dir / "tick.ring", slot_bytes=16384, slots=1024)
        self.frames = {
            camera.name: FrameWriter(self.run_dir / f"camera-{camera.name}.ring", (self.height, self.width, 3), slots=frame_slots)
            for camera in self.cameras
        }
        self._status: RingReader | None = None
        self.said: list[Status] = []
        self.process: Any = None
        self._k = 0

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.kill()
            self.process.join()

    def start(self, target: Callable[[RecorderSetup], None] = run, *, ready: bool = True) -> None:
        self.process = multiprocessing.get_context("spawn").Process(target=target, args=(self.setup,))
        self.process.start()
        if ready:
            self.wait("ready")

    def send(self, message: Message) -> None:
        self._messages.write(encode(message))

    @property
    def said_so_far(self) -> int:
        """How many messages the session has sent."""
        return self._messages.written

    def begin(self, episode: int, task: str = "pick") -> None:
        self.send(BeginEpisode(episode=episode, task=task))

    def end(self, episode: int, *, saved: bool = True, success: bool | None = None) -> None:
        self.send(EndEpisode(episode=episode, saved=saved, success=success))

    def stop(self) -> Status:
        self.send(Stop())
        done = self.wait("done")
        self.process.join()
        assert self.process.exitcode == 0
        return done

    def wait(self, state: str, episode: int | None = None, limit_s: float = 60) -> Status:
        return wait_for(lambda: self.heard(state, episode), limit_s)  # type: ignore[no-any-return]

    def heard(self, state: str, episode: int | None = None) -> Status | None:
        """The first such status, which may have come before."""
        path = self.run_dir / "status-recorder.ring"
        if self._status is None and path.exists():
            self._status = RingReader(path, after=0)
        if self._status is not None:
            self.said += [status for status in map(decode, self._status.drain()) if isinstance(status, Status)]
        return next((s for s in self.said if s.state == state and episode in {None, s.episode}), None)

    def show(self, frame: int, time_ns: int, *, cameras: int | None = None) -> None:
        image = np.full((self.height, self.width, 3), level(frame), np.uint8)
        for writer in list(self.frames.values())[:cameras]:
            writer.write(Frame("", image, time_ns, frame))

    def tick(self, episode: int, frame: int = -1, **changes: Any) -> Tick:
        now = time.monotonic_ns()
        fields = {
            "k": self._k,
            "time_ns": now,
            "wrote_ns": now,
            "read_ns": now,
            "phase": Phase.AUTONOMOUS,
            "source": Source.POLICY,
            "segment": Segment.AUTONOMOUS,
            "episode": episode,
            "epoch": 1,
            "frame": frame,
            "boundary": False,
            "sent": [1.0, 2.0],
            "measured": [float(frame), 0.5],
            "fresh": [True, True],
            "ages_ns": [1_000_000, 0],
            "requested": [3.0, 4.0],
            "proposed": None,
            "leader": None,
            "leader_fresh": False,
            "leader_sent": None,
            "queue": 0,
            "consumed": 0,
            "chunk": 0,
            "lease_age_ns": 0,
            "limited": [],
            "alarm": "",
            "inputs": [],
        }
        self._k += 1
        tick = Tick(**{**fields, **changes})  # type: ignore[arg-type]
        self._ticks.write(encode(tick))
        return tick

    def play(self, episode: int, frames: int, *, period_s: float = 0.002, start: int = 0) -> list[int]:
        """Two ticks a frame, an image of every camera before each frame. Gives the times of the frames."""
        times = []
        for frame in range(start, start + frames):
            self.show(frame, time.monotonic_ns())
            times.append(self.tick(episode, frame).time_ns)
            time.sleep(period_s)
            self.tick(episode)
            time.sleep(period_s)
        return times

    def wait_until_read(self) -> None:
        """Until the recorder has taken in all ticks there are, and has seen that nothing was said since."""
        lease = Lease(self.run_dir / beat("recorder"))
        for _ in range(3):  # it may have been in the middle of a step
            wait_for(partial(_is_renewed, lease, lease.renewed_ns()))

    def wait_for_rows(self, episode: int, rows: int) -> None:
        """Until so many rows of the running episode are in its log."""

        def are_there() -> bool:
            try:
                return sum(1 for _ in self.log(episode, ".mcap.part").rows()) >= rows
            except (HiltError, OSError):  # not begun yet
                return False

        wait_for(are_there)

    def log(self, episode: int, suffix: str = ".mcap") -> EpisodeLog:
        return EpisodeLog(self.logs / f"episode-{episode:06d}{suffix}")

    def dataset(self) -> dict[str, Any]:
        return JsonRecorder(self.config).read()


def _is_renewed(lease: Lease, since_ns: int) -> bool:
    return lease.renewed_ns() != since_ns


def check_rows(log: EpisodeLog) -> list[Row]:
    """Rows without gaps, one packet of every camera each; every image is the one of its frame or a flagged repeat."""
    rows = list(log.rows())
    assert [row.frame for row in rows] == list(range(len(rows)))
    for camera in log.header.cameras:
        assert sum(1 for _ in log.packets(camera.name)) == len(rows)
        shown = [float(image.mean()) for image in log.images(camera.name)]
        assert len(shown) == len(rows)
        for at, row in enumerate(rows):
            if row.values[f"hilt.{camera.name}.repeated"][0]:
                expected = shown[at - 1] if at else 0
            else:
                expected = level(int(row.values["observation.state"][0]))
            assert abs(shown[at] - expected) < 6, f"{camera.name} at row {at}"
    return rows
