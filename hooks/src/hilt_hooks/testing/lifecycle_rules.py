"""Rules for everything that is connected: connecting, leaving, getting lost, coming back, and what is said when it fails."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from hilt_hooks.errors import ConnectError, HiltError
from hilt_hooks.testing.bench import DeviceBench, DeviceCase
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect

AnyCase = DeviceCase[Any, Any]
_LOOK_S = 0.01


def connects_twice(case: AnyCase) -> None:
    with case.connected() as bench:
        try:
            bench.device.connect()
        except HiltError:
            pass  # Saying so is as good as doing nothing, as long as the device goes on.
        except Exception as error:
            raise NotConforming(f"a second connect raises {error!r}, which is no HiltError") from error
        bench.works()


def disconnects_always(case: AnyCase) -> None:
    with case.bench() as bench:
        bench.device.disconnect()
        bench.device.connect()
        bench.works()
        bench.device.disconnect()
        bench.device.disconnect()
        bench.device.connect()
        bench.works()


def failed_connect_is_clean(case: AnyCase) -> None:
    with case.bench() as bench:
        bench.lose()
        try:
            bench.device.connect()
        except ConnectError as error:
            expect(bool(str(error).strip()), "the ConnectError has no message")
        except Exception as error:
            raise NotConforming(f"connecting an unplugged device raises {error!r}, not ConnectError") from error
        else:
            raise NotConforming("connecting an unplugged device succeeds")
        bench.device.disconnect()
        bench.device.disconnect()


def connect_error_names(case: AnyCase) -> None:
    """Of five cameras or arms, the message must say which one it is: by something that its configuration says."""
    with case.bench() as bench:
        bench.lose()
        said = _refusal(bench.device)
        known = list(_values(bench.rig.config))
    expect(any(_mentions(said, value) for value in known), f"the ConnectError names nothing of {known}: {said!r}")


def absent_is_told_from_present(case: AnyCase) -> None:
    """The error names what `absent` asks for, and what there is instead, wherever the two configurations differ."""
    with case.bench() as bench:
        absent = bench.handle("absent")
        asked, there = set(_values(absent)), set(_values(bench.rig.config))
        other = case.build(attrs.evolve(bench.rig, config=absent))
        try:
            said = _refusal(other)
        finally:
            other.disconnect()
    for what, values in (("what was asked for", asked - there), ("what there is", there - asked)):
        expect(any(_mentions(said, value) for value in values), f"the ConnectError does not name {what}, {values}: {said!r}")


def _refusal(device: Any) -> str:
    """What `connect` says. Whether it fails as it should is a rule of its own."""
    try:
        device.connect()
    except ConnectError as error:
        return str(error)
    except Exception as error:
        raise NotExercised(f"connect does not raise a ConnectError, but {error!r}") from error
    raise NotExercised("connect does not fail")


def _values(config: Any) -> Iterator[str]:
    """What the fields of a configuration, and of those inside it, hold in words and numbers."""
    for each in attrs.fields(type(config)):
        value = getattr(config, each.name)
        if attrs.has(type(value)):
            yield from _values(value)
        elif isinstance(value, str | Path | int) and not isinstance(value, bool) and str(value):
            yield str(value)


def _mentions(text: str, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def nothing_is_left(case: AnyCase) -> None:
    with case.bench() as bench:
        expect_nothing_left(lambda: _cycle(bench), case.patience.grace_s, "disconnect")


def expect_nothing_left(use: Callable[[], None], grace_s: float, after: str) -> None:
    """Neither thread nor open file, within `grace_s` after `use`. Called twice: the first time pays for what a process opens
    once, such as an event loop or a log file.
    """
    if not os.path.isdir("/dev/fd"):
        raise NotExercised("open files cannot be listed on this system")
    use()
    threads, files = set(threading.enumerate()), _open_files()
    use()
    end = time.monotonic() + grace_s
    while True:
        left = [thread.name for thread in threading.enumerate() if thread not in threads]
        opened = sorted(_open_files() - files)
        if time.monotonic() > end or not (left or opened):
            break
        time.sleep(_LOOK_S)
    expect(not left, f"threads alive after {after}: {', '.join(left)}")
    expect(not opened, f"files open after {after}: {', '.join(opened)}")


def _cycle(bench: DeviceBench[Any, Any]) -> None:
    bench.device.connect()
    bench.works()
    bench.device.disconnect()


def _open_files() -> set[str]:
    found = set()
    for number in os.listdir("/dev/fd"):
        try:
            found.add(f"{number} ({os.readlink(f'/dev/fd/{number}')})")
        except OSError:
            continue  # the listing itself held it
    return found


def loss_is_said(case: AnyCase) -> None:
    with case.connected() as bench:
        bench.works()
        bench.lose()
        bench.expect_lost()
        bench.device.disconnect()


def comes_back(case: AnyCase) -> None:
    """As the session brings it back: disconnect, then connect the same object until it works."""
    with case.connected() as bench:
        bench.works()
        bench.handle("replug")
        bench.lose()
        with suppress(NotConforming):  # that a loss is said is a rule of its own
            bench.expect_lost()
        bench.device.disconnect()
        bench.handle("replug")()
        for _ in bench.until(case.patience.settle_s):
            try:
                bench.device.connect()
                break
            except ConnectError as error:
                failure = error
                bench.device.disconnect()
        else:
            raise NotConforming(f"the device is back, and does not connect: {failure}")
        bench.works()
