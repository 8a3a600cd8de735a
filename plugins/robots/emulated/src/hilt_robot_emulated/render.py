"""The rendering process: draws what the world's process last said, each camera on its own grid of frames.

Run as `python -m hilt_robot_emulated.render FOLDER`, with MUJOCO_GL set by whoever starts it.
"""

import sys
import time
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.ipc.frames import FrameWriter
from hilt.ipc.process import lower_priority
from hilt.ipc.ring import RingReader
from hilt_hooks import Frame
from hilt_robot_emulated.child import Ending, Parent, report, run
from hilt_robot_emulated.folder import frames_path, picture_path
from hilt_robot_emulated.model import build_model
from hilt_robot_emulated.settings import Settings, View, load_settings
from hilt_robot_emulated.world import show_picture

_PRIORITY = 10
_NAP_S = 0.25


class Painter:
    """One camera's renderer. Shadows and reflections are off: they cost ten times the rest."""

    def __init__(self, model: Any, data: Any, camera: str, view: View) -> None:
        self._data, self._camera = data, camera
        self._renderer = mujoco.Renderer(model, view.height, view.width)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._renderer.scene.flags[flag] = 0

    def paint(self) -> NDArray[np.uint8]:
        self._renderer.update_scene(self._data, self._camera)
        return np.asarray(self._renderer.render())


class Shutter:
    """When a camera is due: t0 + k / fps. Frames that could not be drawn in time are not made up for."""

    def __init__(self, fps: float, start_ns: int) -> None:
        self._period_ns, self._start_ns = 1e9 / fps, start_ns
        self._next = 0

    @property
    def due_ns(self) -> int:
        return self._start_ns + round(self._next * self._period_ns)

    def released(self, now_ns: int) -> None:
        self._next = max(self._next + 1, int((now_ns - self._start_ns) / self._period_ns))


class Studio:
    """The world as it was last told, and the cameras that look at it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._ring = RingReader(picture_path(folder))
        model = build_model()
        data = mujoco.MjData(model)
        self._model, self._data = model, data
        start, count = time.monotonic_ns(), len(settings.cameras)
        # Their grids are shifted against each other, so that the drawing is spread evenly.
        self._cameras = [
            RenderedCamera(model, data, folder, name, view, start + round(number * 1e9 / view.fps / count))
            for number, (name, view) in enumerate(settings.cameras.items())
        ]

    def wait(self) -> "RenderedCamera | None":
        """The camera that is due, or None after a nap."""
        camera = min(self._cameras, key=lambda camera: camera.shutter.due_ns)
        wait = (camera.shutter.due_ns - time.monotonic_ns()) / 1e9
        if wait > 0:
            time.sleep(min(wait, _NAP_S))
        return camera if wait <= _NAP_S else None

    def draw(self, camera: "RenderedCamera") -> None:
        picture = self._ring.latest()
        if picture is not None:
            numbers = np.frombuffer(picture)
            show_picture(self._model, self._data, numbers[1:])
            camera.shoot(int(numbers[:1].view(np.int64)[0]))
        camera.shutter.released(time.monotonic_ns())

    def draw_all(self) -> None:
        for camera in self._cameras:
            self.draw(camera)


class RenderedCamera:
    def __init__(self, model: Any, data: Any, folder: Path, camera: str, view: View, start_ns: int) -> None:
        self.shutter = Shutter(view.fps, start_ns)
        self._painter = Painter(model, data, camera, view)
        self._writer = FrameWriter(frames_path(folder, camera), (view.height, view.width, 3))
        self._sequence, self._shown_ns = 0, -1

    def shoot(self, time_ns: int) -> None:
        """Draw the world as it was at `time_ns`; a world that stands still because its process is gone gives no frames."""
        if time_ns == self._shown_ns:
            return
        self._writer.write(Frame("", self._painter.paint(), time_ns, self._sequence))
        self._sequence, self._shown_ns = self._sequence + 1, time_ns


def main() -> None:
    folder = Path(sys.argv[1])
    settings = load_settings(folder)
    parent, ending = Parent(settings.parent), Ending()
    studio = Studio(folder, settings)
    studio.draw_all()
    lower_priority(_PRIORITY)
    report(ready=True)
    while parent.alive and not ending:
        camera = studio.wait()
        if camera is not None:
            studio.draw(camera)


if __name__ == "__main__":
    run(main)
