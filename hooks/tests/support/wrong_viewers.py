"""Viewers with one fault each."""

import os
import threading
import time

from memory_viewer import SCREENS, MemoryViewer, Screen

from hilt_hooks import DeviceLost, SessionInfo, View


class ShowsWords(MemoryViewer):
    def show(self, view: View, words: str) -> None:  # type: ignore[override]
        super().show(view)


class NeedsEveryImage(MemoryViewer):
    def line(self, view: View) -> str:
        return super().line(view) + str([view.images[name].sequence for name in self._cameras])


class KnowsSomePhases(MemoryViewer):
    def line(self, view: View) -> str:
        return super().line(view) + {"ready": "!", "autonomous": "?", "human": "*"}[view.phase]


class DrawsIntoTheImage(MemoryViewer):
    def line(self, view: View) -> str:
        for frame in view.images.values():
            frame.image[0] = 0
        return super().line(view)


class HangsInDepth(MemoryViewer):
    def line(self, view: View) -> str:
        time.sleep(0.5 if "front_depth" in view.images else 0)
        return super().line(view)


class ForTheMainThread(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("main thread is not in main loop")
        super().open(session)


class NeedsACamera(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        self.main = next(iter(session.cameras))
        super().open(session)


class ClosesOnce(MemoryViewer):
    _closed = False

    def close(self) -> None:
        if self._screen is None and self._closed:
            raise RuntimeError("closed already")
        self._closed = self._screen is not None
        super().close()


class LeavesItsThread(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        super().open(session)
        threading.Thread(target=time.sleep, args=(1,), name="painter", daemon=True).start()


class LeavesItsFile(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        super().open(session)
        self._file = os.open(os.devnull, os.O_WRONLY)


class TalksToNobody(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        SCREENS.setdefault(self.config.address, Screen())
        super().open(session)


class NowhereAsOSError(MemoryViewer):
    def open(self, session: SessionInfo) -> None:
        if self.config.address not in SCREENS:
            raise OSError(111, "Connection refused")
        super().open(session)


class NeverNoticesLeaving(MemoryViewer):
    def show(self, view: View) -> None:
        if SCREENS[self.config.address].on:
            super().show(view)


class LeavingAsOSError(MemoryViewer):
    def show(self, view: View) -> None:
        try:
            super().show(view)
        except DeviceLost:
            raise OSError(32, "Broken pipe") from None


class NeverFlushes(MemoryViewer):
    def close(self) -> None:
        self._lines = self._lines[:-1]
        super().close()
