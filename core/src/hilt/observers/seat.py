"""One viewer, and the thread that it has to itself: whatever it does there, nobody else waits."""

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from attrs import evolve

from hilt_hooks import HiltError, SessionInfo, View, Viewer
from hilt_hooks.viewers import Patience

IDLE = ""


class Seat:
    """Its methods are called by one thread, the runner's; the viewer's are called by the thread of this seat.

    named: whether it was said that this viewer is left out, and why.
    """

    def __init__(self, name: str, make: Callable[[], Viewer], session: SessionInfo, patience: Patience) -> None:
        self.name = name
        self._make, self._session, self._patience = make, session, patience
        self._views: SimpleQueue[View | None] = SimpleQueue()
        self._doing, self._since_s = "open", time.monotonic()
        self._error = ""
        self._left = self.named = False
        self._news, self._alarm = False, ""
        self._thread = Thread(target=self._work, name=f"viewer {name}", daemon=True)
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether it is free, and there is something new for it."""
        return self._news and self._doing == IDLE and not self._left

    def hear(self, alarm: str) -> None:
        """There is something new. The newest alarm is kept for the next view."""
        self._news, self._alarm = True, alarm or self._alarm

    def show(self, view: View) -> None:
        """Have a viewer that waits shown this, with the alarm that it has not been shown yet. Does not wait."""
        shown = evolve(view, alarm=self._alarm)
        self._news, self._alarm = False, ""
        self._doing, self._since_s = "show", time.monotonic()
        self._views.put(shown)

    def trouble(self) -> str:
        """Why this viewer is left out, once it is; "" while all is well, and after it was said."""
        said = self._error or self._overdue()
        if not said or self.named:
            return ""
        self.named = True
        self.leave()
        return said

    def leave(self) -> None:
        """Show it nothing more. It is closed as soon as it comes back from what it does."""
        self._left = True
        self._views.put(None)

    def join(self, until_s: float) -> bool:
        """Wait for its end, until `until_s` (monotonic). False if it is still busy."""
        self._thread.join(max(0.0, until_s - time.monotonic()))
        return not self._thread.is_alive()

    def _overdue(self) -> str:
        limits = {"open": self._patience.open_s, "show": self._patience.show_s}
        doing, busy_s = self._doing, time.monotonic() - self._since_s
        if self._left or doing == IDLE or busy_s <= limits[doing]:
            return ""
        return f"still in `{doing}` after {limits[doing]:g} s; it is left out from here on"

    def _work(self) -> None:
        try:
            viewer = self._make()
            try:
                self._attend(viewer)
            finally:
                viewer.close()
        except (Exception, SystemExit) as error:
            self._error = str(error) if isinstance(error, HiltError) else f"{type(error).__name__}: {error}"

    def _attend(self, viewer: Viewer) -> None:
        viewer.open(self._session)
        self._doing = IDLE
        while (view := self._views.get()) is not None:
            viewer.show(view)
            self._doing = IDLE
