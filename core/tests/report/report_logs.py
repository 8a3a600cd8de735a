"""Episode logs with a known story, for reports."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from tick_samples import idle_tick

from hilt.ipc.messages import CameraColumn, Column, EventSeen, Header, Outcome, Phase, Row, Segment, Source, Tick
from hilt.log import EpisodeWriter

TICKS_PER_S = 60
STARTED_NS = 5_000_000_000
NAMES = ["pan.pos", "grip<per.pos"]
CAMERAS = ["front", "wrist"]
HEADER = Header(
    session="2026-01-01",
    robot_type="two_joints",
    fps=30,
    interpolation=2,
    state_names=NAMES,
    action_names=NAMES[::-1],
    leader_names=[],
    columns=[Column(name=f"hilt.{camera}.repeated", dtype="bool", shape=[1]) for camera in CAMERAS],
    cameras=[CameraColumn(name=camera, height=48, width=64, channels=3) for camera in CAMERAS],
    config={},
    policy="act-0123",
)

Part = tuple[float, Source, Segment]
STORY: Sequence[Part] = (
    (1.0, Source.POLICY, Segment.AUTONOMOUS),
    (0.5, Source.HOLD, Segment.AUTONOMOUS),
    (0.5, Source.HUMAN, Segment.RECOVERY),
    (1.0, Source.HUMAN, Segment.CORRECTION),
    (1.0, Source.POLICY, Segment.AUTONOMOUS),
    (0.5, Source.HUMAN, Segment.CORRECTION),
)
"""Seconds, source, segment. Two interventions."""


def grey(row: int) -> int:
    """The brightness of the image of a row."""
    return 20 + 2 * row


def video(rows: int, gop: int = 5) -> list[bytes]:
    """H.264 access units of plain grey images, each a little brighter than the one before."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", Fraction(1, 30)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={gop}:scenecut=0:repeat-headers=1"}
    packets = []
    for row in range(rows):
        frame = av.VideoFrame.from_ndarray(_image(row), format="rgb24")
        frame.pts = row
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def _image(row: int) -> NDArray[np.uint8]:
    return np.full((48, 64, 3), grey(row), dtype=np.uint8)


def make_tick(k: int, source: Source, segment: Segment, *, late_ns: int = 100_000, alarm: str = "", fault: str = "") -> Tick:
    time_ns = STARTED_NS + k * 1_000_000_000 // TICKS_PER_S
    return idle_tick(
        k=k,
        time_ns=time_ns,
        wrote_ns=time_ns + late_ns,
        read_ns=time_ns + 2_000_000,
        phase=Phase.HUMAN if source is Source.HUMAN else Phase.AUTONOMOUS,
        source=source,
        segment=segment,
        epoch=1,
        sent=[2.0, 1.0],
        measured=[1.0, 2.0],
        fresh=[k != 3, True],
        ages_ns=[0, 0],
        requested=[2.0, 1.0],
        limited=["pan.pos"] if k % 10 == 0 else [],
        alarm=alarm,
        fault=fault,
    )


def ticks(story: Sequence[Part] = STORY) -> list[Tick]:
    """Tick 30 is 20 ms late; an alarm stands from tick 40 to 44, a fault from 50 to 51."""
    whose = [(source, segment) for seconds, source, segment in story for _ in range(round(seconds * TICKS_PER_S))]
    return [
        make_tick(
            k,
            source,
            segment,
            late_ns=20_000_000 if k == 30 else 100_000,
            alarm="pan.pos lags" if 40 <= k < 45 else "",
            fault="pan.pos is lost" if 50 <= k < 52 else "",
        )
        for k, (source, segment) in enumerate(whose)
    ]


def write_log(
    folder: Path,
    episode: int = 0,
    *,
    rows: int = 40,
    story: Sequence[Part] = STORY,
    header: Header = HEADER,
    outcome: Outcome | None = Outcome(saved=True, success=True),  # noqa: B008 frozen
    before: Sequence[Tick] = (),
) -> Path:
    """A log of this story; every tenth image of the wrist is a repeat. outcome None: cut off, as by a kill.

    before: ticks of the wait for it.
    """
    path = folder / f"episode-{episode:06d}.mcap"
    writer = EpisodeWriter(path, header, episode=episode, task="Pick <b>it</b> up", started_ns=STARTED_NS)
    started = EventSeen(time_ns=STARTED_NS, event="start", device="keys", old=Phase.READY, new=Phase.AUTONOMOUS)
    writer.event(started)
    for tick in [*before, *ticks(story)]:
        writer.tick(tick)
    packets = video(rows) if rows else []
    for row in range(rows):
        values = {"hilt.front.repeated": [False], "hilt.wrist.repeated": [row % 10 == 9]}
        given = {column.name: values[column.name] for column in header.columns}
        images = {camera.name: packets[row] for camera in header.cameras}
        writer.row(Row(frame=row, time_ns=STARTED_NS + row * 33_333_333, values=given), images)
    writer.note("camera wrist lost", STARTED_NS + 1_500_000_000)
    if outcome is None:
        writer.flush()
        writer.abandon()
        return path.with_name(path.name + ".part")
    return writer.close(outcome)
