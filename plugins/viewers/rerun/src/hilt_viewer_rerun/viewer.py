"""The viewer: opens the place, and hands views to the drawing."""

import os
import subprocess
from typing import TYPE_CHECKING

from hilt_hooks import DeviceLost, SessionInfo, View
from hilt_viewer_rerun.config import RerunConfig
from hilt_viewer_rerun.place import listens, open_window, place_of, reach, window_command

if TYPE_CHECKING:
    from hilt_viewer_rerun.drawing import Drawing

LOOK_NS = 2_000_000_000
"""How often it is seen whether the window is still there."""


class RerunViewer:
    """Raises ConfigError when it is built for a place that cannot be. Rerun itself is imported when it is opened."""

    def __init__(self, config: RerunConfig) -> None:
        self._config = config
        self._place = place_of(config)
        self._drawing: Drawing | None = None
        self._window: subprocess.Popen[bytes] | None = None
        self._looked_ns = 0

    def open(self, session: SessionInfo) -> None:
        os.environ.setdefault("RUST_LOG", "off")  # Rerun would write into the session's terminal
        from hilt_viewer_rerun.drawing import Drawing

        place = self._place
        if place.address and place.window:
            self._window = open_window(place.address, window_command(place.address, self._config.memory_limit))
        elif place.address:
            reach(place.address)
        self._drawing = Drawing(place, session, compress=self._config.compress_images)

    def show(self, view: View) -> None:
        if self._drawing is None:
            return
        self._look_after(view.time_ns)
        self._drawing.draw(view)

    def close(self) -> None:
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            drawing.finish()

    def _look_after(self, now_ns: int) -> None:
        """Rerun goes on gathering what nobody takes any more."""
        address = self._place.address
        if address is None or now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        if not listens(address):
            raise DeviceLost("Rerun was closed; nothing more is shown" if self._place.window else "the Rerun viewer is gone")
