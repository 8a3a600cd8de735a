"""Rules for cameras: streams, frames and their times, timeouts, connections."""

import itertools
import threading
import time
from collections.abc import Callable

import numpy as np

from hilt_hooks.cameras import Frame
from hilt_hooks.errors import DeviceLost
from hilt_hooks.signals import Signal
from hilt_hooks.testing.camera_rig import CameraBench, CameraCase
from hilt_hooks.testing.checks import NotConforming, expect

_FRAMES = 12
_RECENT_NS = 1_000_000_000
_ATTEMPTS = 5
"""A machine that pauses at the wrong moment makes one pair of frames look wrong, but not all of them."""
_FORMATS = {"uint8": 3, "uint16": 1}


def streams_are_known(case: CameraCase) -> None:
    with case.bench() as bench:
        before, fps = tuple(bench.device.streams), bench.device.fps
        for problem in map(_stream_problem, before):
            expect(not problem, problem)
        names = [stream.name for stream in before]
        expect(bool(names), "a camera without streams")
        expect(len(set(names)) == len(names), f"streams declared twice: {names}")
        expect(len(names) > 1 or names == [""], f'the only stream is called {names[0]!r}, not ""')
        expect(0 < fps < float("inf"), f"fps is {fps}")
        bench.device.connect()
        expect(_declared(bench.device.streams) == _declared(before), "connecting changes the streams")
        expect(bench.device.fps == fps, "connecting changes the fps")


def _declared(streams: tuple[Signal, ...]) -> list[tuple[str, str, tuple[int, ...], str]]:
    return [(each.name, each.unit, tuple(each.shape), each.dtype) for each in streams]


def _stream_problem(stream: Signal) -> str:
    if "/" in stream.name:
        return f"{stream.name!r} is no name for a stream"
    channels = _FORMATS.get(stream.dtype)
    if channels is None or len(stream.shape) != 3 or stream.shape[2] != channels or min(stream.shape) < 1:
        return f"stream {stream.name!r} is {stream.shape} {stream.dtype}, neither (h, w, 3) uint8 nor (h, w, 1) uint16"
    return ""


def frames_match(case: CameraCase) -> None:
    with case.connected() as bench:
        streams = {stream.name: stream for stream in bench.device.streams}
        waiting = set(streams)
        for frame in bench.frames():
            expect(frame.stream in streams, f"a frame of {frame.stream!r}, which is not among the streams {list(streams)}")
            _matches(frame, streams[frame.stream])
            waiting.discard(frame.stream)
            if not waiting:
                return
        raise NotConforming(f"no frame of {', '.join(map(repr, waiting))} within {case.patience.settle_s:g} s")


def _matches(frame: Frame, stream: Signal) -> None:
    image = frame.image
    expect(isinstance(image, np.ndarray), f"the image is a {type(image).__name__}, not an array")
    expect(image.shape == tuple(stream.shape), f"the image is {image.shape}, the stream {tuple(stream.shape)}")
    expect(image.dtype == stream.dtype, f"the image is {image.dtype}, the stream {stream.dtype}")
    expect(bool(image.flags.c_contiguous), "the image is not C-contiguous: everybody who takes it has to copy it first")
    for name in ("time_ns", "sequence"):
        value = getattr(frame, name)
        expect(isinstance(value, int), f"{name} is a {type(value).__name__}, not an int")


def frames_are_in_order(case: CameraCase) -> None:
    with case.connected() as bench:
        last: dict[str, Frame] = {}
        for _ in range(_FRAMES):
            frame = bench.frame()
            if before := last.get(frame.stream):
                expect(frame.sequence > before.sequence, f"sequence {frame.sequence} comes after {before.sequence}")
                expect(frame.time_ns > before.time_ns, "a frame is not later than the one before it")
            last[frame.stream] = frame


def times_are_monotonic(case: CameraCase) -> None:
    with case.connected() as bench:
        for _ in range(_FRAMES):
            begun, frame, now = time.monotonic_ns(), bench.frame(), time.monotonic_ns()
            expect(frame.time_ns <= now, "a frame is from the future: times are time.monotonic_ns()")
            expect(frame.time_ns >= begun - _RECENT_NS, "a frame is from long ago: times are time.monotonic_ns()")


def slow_reader_gets_the_newest(case: CameraCase) -> None:
    with case.connected() as bench:
        _in_some_attempt(bench, lambda: _backlog(bench))


def _backlog(bench: CameraBench) -> str:
    _, frame, back_ns = bench.after_a_pause()
    age_ns = back_ns - frame.time_ns
    return f"after a pause of the reader, read gives a frame that is {age_ns / 1e9:.2f} s old" if age_ns > bench.late_ns else ""


def lost_frames_are_gaps(case: CameraCase) -> None:
    """While the reader had much to do, the camera went on: the next frame that it gets has a number to match."""
    with case.connected() as bench:
        _in_some_attempt(bench, lambda: _miscount(bench))


def _miscount(bench: CameraBench) -> str:
    before, after, _ = bench.after_a_pause()
    counted, lasted_s = after.sequence - before.sequence, (after.time_ns - before.time_ns) / 1e9
    due = lasted_s / bench.period_s
    wrong = not due / 4 <= counted <= 4 * due
    return f"in {lasted_s:.2f} s at {bench.device.fps:g} fps the sequence went on by {counted}" if wrong else ""


def times_are_captures(case: CameraCase) -> None:
    with case.connected() as bench:
        bench.handle("captured")
        _in_some_attempt(bench, lambda: _misdated(bench))


def _misdated(bench: CameraBench) -> str:
    _, frame, _ = bench.after_a_pause()
    off_ns = frame.time_ns - int(bench.handle("captured")(frame))
    return f"time_ns is {off_ns / 1e9:+.2f} s off from when the image was captured" if abs(off_ns) > bench.late_ns else ""


def _in_some_attempt(bench: CameraBench, problem: Callable[[], str]) -> None:
    for _ in range(_ATTEMPTS):
        said = problem()
        if not said:
            return
    raise NotConforming(f"{said}, in {_ATTEMPTS} attempts of {_ATTEMPTS}")


def frames_are_not_overwritten(case: CameraCase) -> None:
    with case.connected() as bench:
        frames = [bench.frame() for _ in range(_FRAMES)]
        copies = [frame.image.copy() for frame in frames]
        shared = any(np.may_share_memory(one.image, other.image) for one, other in itertools.combinations(frames, 2))
        expect(not shared, "frames share memory: the next read overwrites a frame that was given away")
        bench.frame()
        bench.device.disconnect()
    same = all(np.array_equal(frame.image, copy) for frame, copy in zip(frames, copies, strict=True))
    expect(same, "a frame changes after it was given away")


def reads_keep_their_timeout(case: CameraCase) -> None:
    """Reads that are much shorter than a period come back empty-handed, and frames come all the same."""
    with case.connected() as bench:
        bench.frame()
        timed_out = 0
        for _ in range(2 * _FRAMES):
            try:
                bench.device.read(bench.period_s / 10)
            except TimeoutError:
                timed_out += 1
        expect(timed_out > 0, f"{2 * _FRAMES} reads of a tenth of a period all waited until there was a frame")
        bench.frame()


def silence_is_a_timeout(case: CameraCase) -> None:
    with case.connected() as bench:
        bench.frame()
        bench.handle("freeze")()
        timeout_s = 4 * bench.period_s
        late = []
        for _ in bench.until(case.patience.settle_s):
            timed_out, late_s = _silent_read(bench, timeout_s)
            late.append(late_s)
            if timed_out and late_s <= case.patience.grace_s:
                return
            expect(
                len(late) < _ATTEMPTS or min(late[-_ATTEMPTS:]) <= case.patience.grace_s,
                f"read came back {min(late):.2f} s after its timeout or later, in {_ATTEMPTS} attempts of {_ATTEMPTS}",
            )
        raise NotConforming("the camera is silent, and frames still come")


def _silent_read(bench: CameraBench, timeout_s: float) -> tuple[bool, float]:
    """Whether it timed out, and how late it came back, in seconds."""
    begun = time.monotonic()
    try:
        bench.device.read(timeout_s)
    except TimeoutError:
        return True, time.monotonic() - begun - timeout_s
    except DeviceLost as error:
        raise NotConforming(f"a camera that is silent, but there, raises DeviceLost after {timeout_s:g} s: {error}") from error
    return False, time.monotonic() - begun - timeout_s


def connection_starts_with_new_frames(case: CameraCase) -> None:
    with case.connected() as bench:
        bench.frame()
        pause_s = 2 * bench.period_s
        bench.device.disconnect()
        gone_ns = time.monotonic_ns()
        time.sleep(pause_s)
        bench.device.connect()
        expect(bench.frame().time_ns >= gone_ns, "a new connection starts with a frame of the last one")


def has_a_thread_to_itself(case: CameraCase) -> None:
    """A session builds its cameras in one thread, and connects, reads and disconnects each in a thread of its own."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            bench.device.connect()
            bench.frame()
            bench.device.disconnect()
        except BaseException as error:
            failures.append(error)

    with case.bench() as bench:
        thread = threading.Thread(target=run, name="camera under test", daemon=True)
        thread.start()
        thread.join(2 * case.patience.settle_s + case.patience.grace_s)
        expect(not thread.is_alive(), "in a thread of its own, the camera hangs")
        expect(not failures, f"in a thread of its own, the camera fails: {failures[:1]!r}")
