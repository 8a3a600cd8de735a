"""The bench of a viewer: a thread that it has to itself, as in a session, and a session that was made up."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pkgutil import resolve_name
from queue import SimpleQueue
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from hilt_hooks.cameras import Frame
from hilt_hooks.descriptors import ViewerDescriptor
from hilt_hooks.signals import Reading, Vector
from hilt_hooks.testing.checks import NotConforming, handle
from hilt_hooks.viewers import Patience, SessionInfo, View

CHANNELS = ("shoulder.pos", "gripper.pos")
CAMERAS: Mapping[str, tuple[int, ...]] = {"front": (24, 32, 3), "front_depth": (24, 32, 1)}
PHASES = ("ready", "autonomous", "paused", "human", "saved", "discarded", "reset", "fault", "ended")
SOURCES = ("policy", "human", "hold", "ramp", "replay")
SEGMENTS = ("autonomous", "recovery", "correction")
_TICK_NS = 50_000_000
_START_NS = 7_000_000_000_000


@frozen(kw_only=True)
class ViewerRig:
    """What the author of a viewer provides: a config of a place where something can be shown.

    seen: how many views have arrived there, asked after close. leave: end the looking (close the window, break the
    connection). nowhere: a config of a place that is not there. A check that needs a handle which is None is not
    exercised.
    """

    config: Any
    seen: Callable[[], int] | None = None
    leave: Callable[[], None] | None = None
    nowhere: Any = None


MakeViewerRig = Callable[[], AbstractContextManager[ViewerRig]]


@frozen(kw_only=True)
class ViewerPatience(Patience):
    """What a session has, and more. lost_s: how long a viewer may take to see that nobody looks any more. grace_s: how
    long what it started may take to end after close.
    """

    lost_s: float = 10.0
    grace_s: float = 1.0


@frozen(kw_only=True)
class ViewerCase:
    """One viewer type under test. module: what an entry point of the plugin names."""

    descriptor: ViewerDescriptor
    make: MakeViewerRig
    module: str
    patience: ViewerPatience = field(factory=ViewerPatience)

    def build(self, rig: ViewerRig) -> Any:
        return resolve_name(self.descriptor.factory)(rig.config)

    @contextmanager
    def bench(self, config: str = "config") -> Iterator["ViewerBench"]:
        """A viewer that is not open yet, of this config of the rig. It is closed at the end."""
        with self.make() as rig:
            bench = ViewerBench(self, rig)
            try:
                bench.build(bench.handle(config))
                yield bench
                bench.finish()
            except BaseException:
                with suppress(Exception):  # what failed first is what is told
                    bench.finish()
                raise
            finally:
                bench.thread.end()

    @contextmanager
    def opened(self) -> Iterator["ViewerBench"]:
        with self.bench() as bench:
            bench.open()
            yield bench


class Errand:
    """A call and what came of it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._call()
        except BaseException as error:
            self.error = error
        self.done.set()


class OwnThread:
    """Does one thing after another. A daemon: a viewer that hangs must not hang the tests."""

    def __init__(self) -> None:
        self._errands: SimpleQueue[Errand | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="viewer under test", daemon=True)
        self._thread.start()

    def do(self, what: str, call: Callable[[], object], limit_s: float) -> None:
        """Raises what `call` raises, and NotConforming if it takes too long."""
        errand = Errand(call)
        self._errands.put(errand)
        if not errand.done.wait(limit_s):
            raise NotConforming(f"still in `{what}` after {limit_s:g} s: a session would go on without it")
        if errand.error is not None:
            raise errand.error

    def end(self) -> None:
        self._errands.put(None)
        self._thread.join(1)

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            errand.run()


@frozen
class ViewerBench:
    """One viewer, and the thread in which everything is done with it."""

    case: ViewerCase
    rig: ViewerRig
    thread: OwnThread = field(factory=OwnThread)
    made: list[Any] = field(factory=list)
    closed: threading.Event = field(factory=threading.Event)

    @property
    def viewer(self) -> Any:
        return self.made[0]

    def build(self, config: Any) -> None:
        self.thread.do("build", lambda: self.made.append(resolve_name(self.case.descriptor.factory)(config)), 60)

    def open(self, info: SessionInfo | None = None) -> None:
        self.thread.do("open", lambda: self.viewer.open(info or session()), self.case.patience.open_s)

    def show(self, view: View) -> None:
        self.thread.do("show", lambda: self.viewer.show(view), self.case.patience.show_s)

    def close(self) -> None:
        self.closed.set()
        self.thread.do("close", lambda: self.viewer.close(), self.case.patience.close_s)

    def finish(self) -> None:
        """Close, if nobody has."""
        if not self.closed.is_set():
            self.close()

    def handle(self, name: str) -> Any:
        """What the rig has under this name. Raises NotExercised if it has nothing."""
        return handle(self.rig, name)


def session() -> SessionInfo:
    """One with everything in it."""
    return SessionInfo(
        session="20250101-120000",
        robot="arm",
        task="Put the cube on the plate",
        fps=20.0,
        state=CHANNELS,
        actions=CHANNELS,
        leader=CHANNELS,
        cameras=CAMERAS,
    )


def bare_session() -> SessionInfo:
    """Without task, leader and cameras."""
    return SessionInfo(session="20250101-120001", robot="arm", fps=20.0, state=CHANNELS, actions=CHANNELS)


def views() -> Iterator[View]:
    """One after the other: every phase, source and segment, with and without all that may be missing."""
    for number in range(3 * len(PHASES)):
        yield full_view(number) if number % 3 else sparse_view(number)


def full_view(number: int) -> View:
    """Every second one has the frames of the one before it."""
    time_ns = _time_ns(number)
    frames = {name: _frame(shape, number // 2) for name, shape in CAMERAS.items()}
    return View(
        time_ns=time_ns,
        phase=PHASES[number % len(PHASES)],
        source=SOURCES[number % len(SOURCES)],
        segment=SEGMENTS[number % len(SEGMENTS)],
        episode=number // 5,
        frame=number,
        measured=_reading(number, fresh=bool(number % 2)),
        sent=_vector(number),
        requested=_vector(number + 1),
        proposed=_vector(number + 2),
        leader=_vector(number + 3),
        images=frames,
        alarm=f"shoulder.pos cannot follow: {number / 3:.1f} degrees" if number % 2 else "",
    )


def sparse_view(number: int) -> View:
    """Nothing is recorded yet, nothing proposed, no leader and no image; the robot does not answer."""
    return View(
        time_ns=_time_ns(number),
        phase=PHASES[number % len(PHASES)],
        source="hold",
        segment="autonomous",
        episode=0,
        measured=_reading(number, fresh=False),
        sent=_vector(number),
        requested=_vector(number),
    )


def _time_ns(number: int) -> int:
    return _START_NS + number * _TICK_NS


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _vector(number: int) -> Vector:
    return Vector(CHANNELS, _frozen(np.array([10.0 * np.sin(number / 5), 50.0])))


def _reading(number: int, *, fresh: bool) -> Reading:
    times = _frozen(np.full(len(CHANNELS), _time_ns(number), np.int64))
    return Reading(CHANNELS, _vector(number).values, times, _frozen(np.array([fresh, True])))


def _frame(shape: tuple[int, ...], number: int) -> Frame:
    dtype = np.uint8 if shape[2] == 3 else np.uint16
    image = np.full(shape, number % 250, dtype)
    return Frame("", _frozen(image), _time_ns(2 * number) - _TICK_NS // 2, number)
