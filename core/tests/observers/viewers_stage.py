"""A session for viewers: its rings, and viewers that stand in for windows."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from attrs import define, field
from tick_samples import idle_tick
from waiting import PATIENCE_S, soon

from hilt.ipc.frames import FrameWriter
from hilt.ipc.messages import CameraColumn, Header, Phase, Segment, Source, Status, Stop, Tick, decode, encode
from hilt.ipc.process import Mailbox
from hilt.ipc.ring import RingReader, RingWriter
from hilt.ipc.rundir import SESSION, TICK, camera_ring, status_ring
from hilt.observers.seat import Seat
from hilt.observers.viewers import Viewers
from hilt.observers.views import Views, session_info
from hilt_hooks import Frame, SessionInfo, View, Viewer
from hilt_hooks.viewers import Patience

TICK_NS = 20_000_000

HEADER = Header(
    session="today",
    robot_type="arm",
    fps=30,
    interpolation=1,
    state_names=["a.pos", "b.pos", "a.current"],
    action_names=["a.pos", "b.pos"],
    leader_names=["b.pos", "a.pos"],
    columns=[],
    cameras=[
        CameraColumn(name="front", height=2, width=3, channels=3),
        CameraColumn(name="wrist", height=2, width=3, channels=3),
    ],
    config={},
)


def tick(k: int, **changed: object) -> Tick:
    values: dict[str, object] = {
        "k": k,
        "time_ns": k * TICK_NS,
        "wrote_ns": k * TICK_NS,
        "read_ns": k * TICK_NS + 5,
        "phase": Phase.HUMAN,
        "source": Source.HUMAN,
        "segment": Segment.CORRECTION,
        "episode": 2,
        "sent": [1.0, 2.0],
        "measured": [1.5, 2.5, 0.1],
        "fresh": [True, False, True],
        "ages_ns": [1, 1000, 2],
        "requested": [3.0, 4.0],
        "leader": [6.0, 5.0],
        "leader_fresh": True,
    }
    return idle_tick(**(values | changed))


@define
class Window:
    """A viewer that keeps what it is told. at: what it does there instead, for `open`, `show` and `close`."""

    at: Mapping[str, Callable[[], None]] = field(factory=dict)
    session: SessionInfo | None = None
    views: list[View] = field(factory=list)
    closed: int = 0

    def open(self, session: SessionInfo) -> None:
        self.session = session
        self._act("open")

    def show(self, view: View) -> None:
        self.views.append(view)
        self._act("show")

    def close(self) -> None:
        self._act("close")
        self.closed += 1

    def _act(self, at: str) -> None:
        if at in self.at:
            self.at[at]()

    def wait_for(self, k: int) -> View:
        """The first view of tick `k` or a later one."""
        return soon(lambda: next((view for view in self.views if view.time_ns >= k * TICK_NS), None))


@define
class Stage:
    """The rings of a session, and the runner in a thread of this process."""

    run_dir: Path
    session: RingWriter = field(init=False)
    rig: RingWriter = field(init=False)
    ending: threading.Event = field(factory=threading.Event)
    _runner: threading.Thread | None = None
    _statuses: RingReader | None = None
    _heard: list[Status] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.session = RingWriter(self.run_dir / SESSION, slot_bytes=4096, slots=64)
        self.rig = RingWriter(self.run_dir / TICK, slot_bytes=4096, slots=256)

    def start(self, patience: Patience | None = None, **makers: Callable[[], Viewer]) -> None:
        patience = patience or Patience()
        info = session_info(HEADER, "Push the cube")
        seats = [Seat(name, make, info, patience) for name, make in makers.items()]
        runner = Viewers(Views(self.run_dir, HEADER), seats, Mailbox(self.run_dir, "viewers"), self.ending)
        self._runner = threading.Thread(target=runner.run, args=(patience.close_s,))
        self._runner.start()

    def play(self, *ticks: Tick) -> None:
        for each in ticks:
            self.rig.write(encode(each))

    def stop(self) -> None:
        self.session.write(encode(Stop()))
        self.join()

    def join(self) -> None:
        assert self._runner is not None
        self._runner.join(PATIENCE_S)
        assert not self._runner.is_alive()

    def close(self) -> None:
        self.ending.set()
        if self._runner is not None:
            self._runner.join(PATIENCE_S)

    def failures(self) -> list[tuple[str, str]]:
        """(device, detail), of everything that was said to have failed."""
        if self._statuses is None:
            self._statuses = RingReader(self.run_dir / status_ring("viewers"), after=0)
        self._heard += [status for status in map(decode, self._statuses.drain()) if isinstance(status, Status)]
        return [(status.device, status.detail) for status in self._heard if status.state == "failed"]


def camera(run_dir: Path, name: str) -> FrameWriter:
    return FrameWriter(run_dir / camera_ring(name), (2, 3, 3))


def frame(value: int) -> Frame:
    return Frame("", np.full((2, 3, 3), value, np.uint8), time_ns=value, sequence=value)
