"""What a session looks like in Rerun.

    joints/CHANNEL   curves of a channel: measured, sent, requested, proposed, leader; requested has the source's color
    cameras/NAME     images, at the time of their capture
    status           phase, source, segment, episode, alarm, as they are now
    events           a line when the phase changes, and for each alarm

All on the timeline `session`: seconds since the first view.
"""

import re
from collections.abc import Mapping

import numpy as np
import rerun as rr
import rerun.blueprint as rrb
from numpy.typing import NDArray

from hilt_hooks import Frame, HiltError, SessionInfo, Vector, View
from hilt_viewer_rerun.place import Place

TIMELINE = "session"
CURVES = ("measured", "sent", "requested", "proposed", "leader")

Color = tuple[int, int, int]
COLORS: Mapping[str, Color] = {
    "measured": (140, 140, 140),
    "sent": (235, 120, 50),
    "proposed": (135, 110, 205),
    "leader": (90, 165, 95),
}
SOURCES: Mapping[str, Color] = {
    "policy": (70, 150, 255),
    "human": (230, 90, 220),
    "hold": (240, 200, 70),
    "ramp": (90, 220, 220),
    "replay": (120, 200, 120),
}
"""The colors of `requested`, by who commands; near those of the session's own terminal."""
_OTHER: Color = (255, 255, 255)

_NUMBER = re.compile(r"\d+(\.\d+)?")
"""An alarm that lasts differs from view to view in its numbers only, and is one event."""

_JPEG_QUALITY = 80
_DEPTH_UNITS_A_METER = 1000.0
_WINDOW_S = 20.0
_FLUSH_S = 2.0


class Drawing:
    """One recording. What it is told is on its way when a method returns; `finish` waits until it has arrived."""

    def __init__(self, place: Place, session: SessionInfo, *, compress: bool) -> None:
        self._session, self._compress, self._file = session, compress, place.file
        self._channels = tuple(dict.fromkeys((*session.state, *session.actions)))
        self._recording = rr.RecordingStream("hilt", recording_id=session.session)
        sink = rr.GrpcSink(place.url) if place.file is None else rr.FileSink(str(place.file))
        self._recording.set_sinks(sink)
        # made active: Rerun keeps layouts, and one of another robot's joints and cameras would come first
        self._recording.send_blueprint(blueprint(session, self._channels), make_active=True, make_default=True)
        self._start_ns: int | None = None
        self._source = self._phase = self._status = self._alarm = ""
        self._shown: dict[str, int] = {}

    def draw(self, view: View) -> None:
        if self._start_ns is None:
            self._start_ns = view.time_ns
        self._at(view.time_ns)
        self._draw_curves(view)
        self._draw_words(view)
        for name, frame in view.images.items():
            self._draw_image(name, frame)

    def finish(self) -> None:
        """Raises HiltError if a file could not be completed. A viewer that is gone takes nothing more, and that is no error."""
        try:
            self._recording.flush(timeout_sec=_FLUSH_S)
        except RuntimeError as error:
            if self._file is not None:
                raise HiltError(f"{self._file} is not complete: {error}") from error
        finally:
            self._recording.disconnect()

    def _at(self, time_ns: int) -> None:
        since_ns = time_ns - (self._start_ns or 0)
        self._recording.set_time(TIMELINE, duration=np.timedelta64(since_ns, "ns"))

    def _draw_curves(self, view: View) -> None:
        values = {
            "measured": _values(view.measured.vector, np.where(view.measured.fresh, view.measured.values, np.nan)),
            "sent": _values(view.sent),
            "requested": _values(view.requested),
            "proposed": _values(view.proposed),
            "leader": _values(view.leader),
        }
        if view.source != self._source:
            self._source = view.source
            self._draw_style()
        for channel in self._channels:
            numbers = [values[curve].get(channel, np.nan) for curve in CURVES]
            self._recording.log(["joints", channel], rr.Scalars(numbers))

    def _draw_style(self) -> None:
        colors = [COLORS.get(curve, SOURCES.get(self._source, _OTHER)) for curve in CURVES]
        for channel in self._channels:
            self._recording.log(["joints", channel], rr.SeriesLines(colors=colors, names=CURVES))

    def _draw_words(self, view: View) -> None:
        status = _status(self._session, view)
        if status != self._status:
            self._status = status
            self._recording.log("status", rr.TextDocument(status, media_type="text/markdown"))
        if view.phase != self._phase:
            self._phase = view.phase
            self._recording.log("events", rr.TextLog(f"{view.phase}, episode {view.episode}", level="INFO"))
        kind = _NUMBER.sub("#", view.alarm)
        if kind and kind != self._alarm:
            self._recording.log("events", rr.TextLog(view.alarm, level="WARN"))
        self._alarm = kind

    def _draw_image(self, name: str, frame: Frame) -> None:
        if self._shown.get(name) == frame.sequence:
            return
        self._shown[name] = frame.sequence
        self._at(frame.time_ns)
        if frame.image.dtype == np.uint16:
            self._recording.log(["cameras", name], rr.DepthImage(frame.image[..., 0], meter=_DEPTH_UNITS_A_METER))
            return
        image = rr.Image(frame.image)
        self._recording.log(["cameras", name], image.compress(jpeg_quality=_JPEG_QUALITY) if self._compress else image)


def blueprint(session: SessionInfo, channels: tuple[str, ...]) -> rrb.Blueprint:
    """Cameras and words on the left, a plot for each channel on the right, following the newest seconds."""
    newest = rrb.VisibleTimeRange(
        TIMELINE,
        start=rrb.TimeRangeBoundary.cursor_relative(seconds=-_WINDOW_S),
        end=rrb.TimeRangeBoundary.cursor_relative(),
    )
    plots = [
        rrb.TimeSeriesView(
            origin=rr.new_entity_path(["joints", name]),
            name=name,
            time_ranges=newest,
            plot_legend=rrb.PlotLegend(rrb.Corner2D.LeftTop, visible=name == channels[0]),
        )
        for name in channels
    ]
    cameras = [rrb.Spatial2DView(origin=rr.new_entity_path(["cameras", name]), name=name) for name in session.cameras]
    words = rrb.Horizontal(rrb.TextDocumentView(origin="status", name="now"), rrb.TextLogView(origin="events", name="events"))
    left = rrb.Vertical(*cameras, words)
    return rrb.Blueprint(rrb.Horizontal(left, rrb.Grid(*plots)), collapse_panels=True)


def _values(vector: Vector | None, values: NDArray[np.float64] | None = None) -> dict[str, float]:
    if vector is None:
        return {}
    return dict(zip(vector.names, (vector.values if values is None else values).tolist(), strict=True))


def _status(session: SessionInfo, view: View) -> str:
    lines = [f"# {view.phase.upper()}", f"**{view.source}** commands ({view.segment}), episode {view.episode}"]
    if session.task:
        lines.append(f"_{session.task}_")
    if view.alarm:
        lines.append(f"**{view.alarm}**")
    return "\n\n".join(lines)
