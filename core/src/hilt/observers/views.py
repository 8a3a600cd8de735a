"""What viewers are shown: the newest state, made of the ticks and of the cameras' newest frames."""

from pathlib import Path

import numpy as np

from hilt.ipc.messages import Header, Tick
from hilt.ipc.rundir import TICK, camera_ring
from hilt.observers.feed import CameraFeed, Feed
from hilt_hooks import Reading, SessionInfo, Vector, View


class Views:
    """The rings of a session as views. Only reads; a ring that is not there yet gives nothing yet."""

    def __init__(self, run_dir: Path, header: Header) -> None:
        self._header = header
        self._feed = Feed(run_dir / TICK)
        self._cameras = {each.name: CameraFeed(run_dir / camera_ring(each.name), each.name) for each in header.cameras}
        self._tick: Tick | None = None
        self._frame = -1

    def listen(self) -> tuple[bool, str]:
        """Take in what the rig has said: whether there is news to be shown, and the newest alarm in it, "" without."""
        ticks = [message for message in self._feed.read() if isinstance(message, Tick)]
        for tick in ticks:
            self._take(tick)
        return bool(ticks), next((told for tick in reversed(ticks) if (told := tick.alarm or tick.fault)), "")

    def newest(self) -> View | None:
        """The state now, without an alarm; None before the first tick."""
        tick = self._tick
        if tick is None:
            return None
        actions, leader = tuple(self._header.action_names), tuple(self._header.leader_names)
        frames = {name: camera.latest() for name, camera in self._cameras.items()}
        return View(
            time_ns=tick.time_ns,
            phase=tick.phase.value,
            source=tick.source.value,
            segment=tick.segment.value,
            episode=tick.episode,
            frame=self._frame,
            measured=_reading(tuple(self._header.state_names), tick),
            sent=Vector(actions, tick.sent),
            requested=Vector(actions, tick.requested),
            proposed=None if tick.proposed is None else Vector(actions, tick.proposed),
            leader=Vector(leader, tick.leader) if tick.leader is not None and tick.leader_fresh else None,
            images={name: frame for name, frame in frames.items() if frame is not None},
        )

    def _take(self, tick: Tick) -> None:
        if self._tick is None or tick.episode != self._tick.episode:
            self._frame = -1
        self._tick = tick
        if tick.frame >= 0:
            self._frame = tick.frame


def session_info(header: Header, task: str) -> SessionInfo:
    return SessionInfo(
        session=header.session,
        robot=header.robot_type,
        task=task,
        fps=header.fps,
        state=tuple(header.state_names),
        actions=tuple(header.action_names),
        leader=tuple(header.leader_names),
        cameras={each.name: (each.height, each.width, each.channels) for each in header.cameras},
    )


def _reading(names: tuple[str, ...], tick: Tick) -> Reading:
    times = tick.read_ns - np.array(tick.ages_ns, dtype=np.int64)
    return Reading(names, np.array(tick.measured), times, np.array(tick.fresh, dtype=bool))
