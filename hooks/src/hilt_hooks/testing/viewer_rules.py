"""Rules for viewers: showing, closing, having nowhere to show."""

import time

from hilt_hooks.errors import ConnectError, DeviceLost
from hilt_hooks.testing.checks import NotConforming, expect
from hilt_hooks.testing.lifecycle_rules import expect_nothing_left
from hilt_hooks.testing.viewer_rig import ViewerBench, ViewerCase, bare_session, full_view, sparse_view, views

_LOOK_S = 0.05


def shows_every_view(case: ViewerCase) -> None:
    """Every phase; with images and without; new ones and the same again; arrays are read-only."""
    with case.opened() as bench:
        for view in views():
            bench.show(view)


def shows_bare_sessions(case: ViewerCase) -> None:
    with case.bench() as bench:
        bench.open(bare_session())
        for number in range(3):
            bench.show(sparse_view(number))


def closes_always(case: ViewerCase) -> None:
    with case.bench() as bench:
        bench.close()
    with case.opened() as bench:
        bench.show(full_view(1))
        bench.close()
        bench.close()


def nothing_is_left(case: ViewerCase) -> None:
    expect_nothing_left(lambda: _one_session(case), case.patience.grace_s, "close")


def _one_session(case: ViewerCase) -> None:
    with case.opened() as bench:
        bench.show(full_view(1))


def nowhere_is_said(case: ViewerCase) -> None:
    with case.bench("nowhere") as bench:
        try:
            bench.open()
        except ConnectError as error:
            expect(bool(str(error).strip()), "the ConnectError has no message")
        except Exception as error:
            raise NotConforming(f"with nowhere to show, open raises {error!r}, not ConnectError") from error
        else:
            raise NotConforming("with nowhere to show, open succeeds")


def leaving_is_said(case: ViewerCase) -> None:
    """Time goes on in the views as it does on the clock, for a viewer may look only so often whether somebody is there."""
    with case.opened() as bench:
        leave = bench.handle("leave")
        bench.show(full_view(0))
        leave()
        expect(_says_so(bench), f"nobody looks any more, and show has not raised DeviceLost within {case.patience.lost_s:g} s")


def _says_so(bench: ViewerBench) -> bool:
    number, end = 0, time.monotonic() + bench.case.patience.lost_s
    while time.monotonic() < end:
        number += 1
        try:
            bench.show(full_view(number))
        except DeviceLost as error:
            expect(bool(str(error).strip()), "DeviceLost has no message")
            return True
        except Exception as error:
            raise NotConforming(f"when nobody looks any more, show raises {error!r}, not DeviceLost") from error
        time.sleep(_LOOK_S)
    return False


def what_was_shown_stays(case: ViewerCase) -> None:
    with case.opened() as bench:
        seen, shown = bench.handle("seen"), list(views())
        for view in shown:
            bench.show(view)
        bench.close()
        found = seen()
    expect(found == len(shown), f"{len(shown)} views were shown, and {found} are there after close")
