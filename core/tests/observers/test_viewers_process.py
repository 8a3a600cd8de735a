"""The viewers' runner, with viewers that are slow, raise, hang, and do not close."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from attrs import frozen
from viewers_stage import HEADER, TICK_NS, Stage, Window, camera, frame, tick
from waiting import PATIENCE_S, soon

from hilt.ipc.messages import Stop, encode
from hilt.kernel import Registry
from hilt.observers import ViewersSetup, chosen_viewers, run_viewers
from hilt_hooks import ConfigError, DeviceLost, DriverMissing, PluginMissing, Typed, Viewer, ViewerDescriptor, option
from hilt_hooks.viewers import Patience


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_it_is_opened_shown_and_closed(stage: Stage) -> None:
    window = Window()
    camera(stage.run_dir, "front").write(frame(9))
    stage.start(window=lambda: window)
    stage.play(tick(1))
    view = window.wait_for(1)
    assert view.images["front"].sequence == 9
    assert window.session is not None
    assert window.session.task == "Push the cube"
    stage.stop()
    assert (window.closed, stage.failures()) == (1, [])
    assert isinstance(window, Viewer)


def test_nothing_is_shown_twice(stage: Stage) -> None:
    window, other = Window(), Window()
    stage.start(window=lambda: window, other=lambda: other)
    for k in (1, 2, 3):
        stage.play(tick(k))
        window.wait_for(k)
        other.wait_for(k)
    stage.stop()
    assert [view.time_ns // TICK_NS for view in window.views] == [1, 2, 3]


def test_one_that_is_slow_gets_the_newest_view_and_the_last_alarm(stage: Stage) -> None:
    go_on, quick = Event(), Window()
    slow = Window(at={"show": go_on.wait})
    stage.start(slow=lambda: slow, quick=lambda: quick)
    stage.play(tick(1))
    slow.wait_for(1)
    for first in (2, 20):
        stage.play(*(tick(k, alarm="tight" if k == 10 else "") for k in range(first, first + 18)))
        quick.wait_for(first + 17)
    go_on.set()
    late = slow.wait_for(37)
    stage.stop()
    assert [view.time_ns // TICK_NS for view in slow.views] == [1, 37]
    assert late.alarm == "tight"
    assert [view.alarm for view in quick.views if view.alarm] == ["tight"]
    assert stage.failures() == []


@pytest.mark.parametrize("call", ["open", "show"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeviceLost("the window was closed"), "the window was closed"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_one_that_raises_is_named_once_and_left_out(stage: Stage, call: str, error: BaseException, said: str) -> None:
    broken, window = Window(at={call: raising(error)}), Window()
    stage.start(broken=lambda: broken, window=lambda: window)
    for k in (1, 2, 3):
        stage.play(tick(k))
        window.wait_for(k)
    soon(lambda: True if stage.failures() else None)
    stage.play(tick(4))
    window.wait_for(4)
    stage.stop()
    assert stage.failures() == [("viewer broken", said)]
    assert broken.closed == 1
    assert len(broken.views) == (call == "show")


def test_one_that_cannot_be_built_is_named(stage: Stage) -> None:
    def make() -> Viewer:
        raise ImportError("no module")

    window = Window()
    stage.start(broken=make, window=lambda: window)
    stage.play(tick(1))
    window.wait_for(1)
    stage.stop()
    assert stage.failures() == [("viewer broken", "ImportError: no module")]


@pytest.mark.parametrize("call", ["open", "show"])
def test_one_that_hangs_is_named_once_and_left_out(stage: Stage, call: str) -> None:
    go_on = Event()
    stuck = Window(at={call: go_on.wait})
    stage.start(Patience(**{f"{call}_s": 0.02}), stuck=lambda: stuck)
    stage.play(tick(1))
    soon(lambda: True if stage.failures() else None)
    stage.play(tick(2))
    go_on.set()
    soon(lambda: stuck.closed or None)
    stage.stop()
    assert stage.failures() == [("viewer stuck", f"still in `{call}` after 0.02 s; it is left out from here on")]
    assert [view.time_ns // TICK_NS for view in stuck.views] == ([1] if call == "show" else [])


def test_one_that_hangs_delays_no_other(stage: Stage) -> None:
    go_on = Event()
    stuck, window = Window(at={"show": go_on.wait}), Window()
    stage.start(stuck=lambda: stuck, window=lambda: window)
    for k in (1, 2, 3):
        stage.play(tick(k))
        window.wait_for(k)
    assert len(stuck.views) == 1
    go_on.set()
    stage.stop()


def test_one_that_does_not_close_is_named_and_not_waited_for(stage: Stage) -> None:
    go_on = Event()
    stuck, window = Window(at={"close": go_on.wait}), Window()
    stage.start(Patience(close_s=0.02), stuck=lambda: stuck, window=lambda: window)
    stage.play(tick(1))
    stuck.wait_for(1)
    stage.stop()
    assert ("viewer stuck", "did not close in time; what it showed last may be missing") in stage.failures()
    go_on.set()


def test_one_that_raises_while_closing_is_named(stage: Stage) -> None:
    broken = Window(at={"close": raising(OSError("disk full"))})
    stage.start(broken=lambda: broken)
    stage.stop()
    assert stage.failures() == [("viewer broken", "OSError: disk full")]


MODULE = """
from pathlib import Path

class Diary:
    def __init__(self, path):
        self.path = path

    def open(self, session):
        self.write(session.session)

    def show(self, view):
        self.write(view.phase)

    def close(self):
        self.write("closed")

    def write(self, line):
        with open(self.path, "a") as file:
            file.write(line + chr(10))
"""


@pytest.mark.parametrize("how", ["stop", "terminate"])
def test_the_process(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    (tmp_path / "hilt_test_diary.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    diary = tmp_path / "diary"
    setup = ViewersSetup(run_dir=stage.run_dir, header=HEADER, task="", viewers={"diary": ("hilt_test_diary:Diary", str(diary))})
    process = multiprocessing.get_context("spawn").Process(target=run_viewers, args=(setup,))
    process.start()
    try:
        stage.play(tick(1))
        soon(lambda: True if diary.exists() and "human" in diary.read_text() else None)
        stage.session.write(encode(Stop())) if how == "stop" else process.terminate()
        process.join(PATIENCE_S)
        assert process.exitcode == 0
    finally:
        process.kill()
    assert diary.read_text().split() == ["today", "human", "closed"]


@frozen(kw_only=True)
class Choices:
    save: str = option("", help="File")


class Refuses(Window):
    def __init__(self, config: Choices) -> None:
        super().__init__()
        if not config.save:
            raise ConfigError("viewer.save: needed")


@frozen
class Station:
    viewers: tuple[Typed, ...]


def test_what_a_configuration_chooses() -> None:
    factory = f"{__name__}:Refuses"
    registry = Registry.of(
        ViewerDescriptor(name="window", summary="", config=Choices, factory=factory),
        ViewerDescriptor(name="absent", summary="", config=Choices, factory=factory, requires=("hilt-no-such-package",)),
    )
    one, two = Choices(save="a"), Choices(save="b")
    chosen = chosen_viewers(Station((Typed("window", one), Typed("window", two))), registry)  # type: ignore[arg-type]
    assert chosen == {"window": (factory, one), "window 2": (factory, two)}
    with pytest.raises(ConfigError, match=r"viewer\.save: needed"):
        chosen_viewers(Station((Typed("window", Choices()),)), registry)  # type: ignore[arg-type]
    with pytest.raises(DriverMissing, match=r"viewer 'absent' needs hilt-no-such-package; run: pip install"):
        chosen_viewers(Station((Typed("absent", one),)), registry)  # type: ignore[arg-type]
    with pytest.raises(PluginMissing, match="did you mean 'window'"):
        chosen_viewers(Station((Typed("windo", one),)), registry)  # type: ignore[arg-type]
