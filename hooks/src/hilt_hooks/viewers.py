"""Viewers look on: a person sees through them what a running session does. They can change nothing of it."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from hilt_hooks.cameras import Frame
from hilt_hooks.signals import Reading, Vector


@frozen(kw_only=True)
class SessionInfo:
    """What is known of a session before its first view, and stays as it is.

    session: its name, as its logs are named. robot: the robot's type. task: in words, "" where nothing is recorded.
    fps: dataset frames a second; views come at a rate of their own. state: names of `View.measured`, in order.
    actions: names of `View.sent`, `requested` and `proposed`. leader: names of `View.leader`, () without a leader.
    cameras: name -> (height, width, channels), for every key that `View.images` may have.
    """

    session: str
    robot: str
    task: str = ""
    fps: float
    state: tuple[str, ...]
    actions: tuple[str, ...]
    leader: tuple[str, ...] = ()
    cameras: Mapping[str, tuple[int, ...]] = field(factory=dict)


@frozen(eq=False, kw_only=True)
class View:
    """The newest state of the session, in the units of the channels: all of it belongs to one tick but for the images.

    time_ns: of the tick, monotonic. phase: ready, autonomous, paused, human, saved, discarded, reset, fault, ended.
    source: who commands: policy, human, hold, ramp, replay. segment: what the frames are for training: autonomous,
    recovery, correction. episode: counts from 0. frame: index of the newest dataset frame of the episode, -1 while
    there is none.

    measured: the robot; where `fresh` is False it did not answer, and `values` is what it said last. sent: what went
    out to it. requested: what the source in force wants. proposed: what the policy wants, None where nothing is
    proposed. leader: where the leader is, None without a leader and while it does not answer.
    alarm: the newest alarm since the last view that this viewer was shown, "" if there was none.

    images: camera -> its newest frame; one that has not given any yet is missing. A camera may be slower than the
    views: `Frame.sequence` tells a new frame from one that was shown. Arrays are read-only.
    """

    time_ns: int
    phase: str
    source: str
    segment: str
    episode: int
    frame: int = -1
    measured: Reading
    sent: Vector
    requested: Vector
    proposed: Vector | None = None
    leader: Vector | None = None
    images: Mapping[str, Frame] = field(factory=dict)
    alarm: str = ""


@frozen(kw_only=True)
class Patience:
    """How long a session waits for a viewer: until it is open, has shown a view, has closed."""

    open_s: float = 60.0
    show_s: float = 10.0
    close_s: float = 3.0


@runtime_checkable
class Viewer(Protocol):
    """Built without I/O, opened once, shown views, closed; all by one thread that this viewer has to itself.

    The thread is not the main thread of its process. A viewer may block it, but not for ever: one that takes longer
    than `Patience` says is left out for the rest of the session, and so is one that raises. The session says so once,
    with the error's text, and goes on.
    """

    def open(self, session: SessionInfo) -> None:
        """Open the window, the file, the connection. Called once, before the first `show`.

        Raises ConnectError with what is wrong and what to do if there is nowhere to show anything.
        """

    def show(self, view: View) -> None:
        """Show the newest state. The views before it that came while this viewer was busy are never shown: no backlog.

        Raises DeviceLost once nobody can look any more (the window was closed, the connection is gone).
        """

    def close(self) -> None:
        """Flush and let go. Works in every state: twice, before `open`, after an `open` or `show` that raised.

        What was shown stays with the person: a window need not be closed, a file must be complete.
        """
