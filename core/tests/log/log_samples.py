"""A small episode to write, cut and damage."""

import math

from hilt.ipc.messages import CameraColumn, ChunkMessage, Column, EventSeen, Header, Phase, Row, Segment, Source, Tick
from hilt.log import EpisodeWriter

FPS = 30
STARTED_NS = 5_000_000_000
HEADER = Header(
    session="2026-01-01",
    robot_type="two_joints",
    fps=FPS,
    interpolation=2,
    state_names=["a.pos", "b.pos"],
    action_names=["a.pos", "b.pos"],
    leader_names=[],
    columns=[
        Column(name="observation.state", dtype="float32", shape=[2], names=["a.pos", "b.pos"]),
        Column(name="hilt.proposed", dtype="float32", shape=[2], names=["a.pos", "b.pos"]),
        Column(name="intervention", dtype="bool", shape=[1]),
    ],
    cameras=[
        CameraColumn(name="front", height=48, width=64, channels=3),
        CameraColumn(name="wrist", height=48, width=64, channels=3),
    ],
    config={"robot": {"type": "two_joints"}},
)


def make_tick(k: int, *, frame: int = -1) -> Tick:
    chunk = ChunkMessage(
        epoch=1, id=k, observed_ns=1, consumed=0, started_ns=2, finished_ns=3, actions=[[math.nan, 1.0]], model=[[0.5]]
    )
    return Tick(
        k=k,
        time_ns=STARTED_NS + k * 16_666_667,
        wrote_ns=k,
        read_ns=k,
        phase=Phase.AUTONOMOUS,
        source=Source.POLICY,
        segment=Segment.AUTONOMOUS,
        episode=3,
        epoch=1,
        frame=frame,
        boundary=False,
        sent=[1.5, -2.25],
        measured=[1.0, math.inf if k % 5 == 0 else k / 3],
        fresh=[True, False],
        ages_ns=[0, 12],
        requested=[1.0, 2.0],
        proposed=None if k % 2 else [math.nan, 1.0],
        leader=None,
        leader_fresh=False,
        leader_sent=None,
        queue=4,
        consumed=2,
        chunk=1,
        lease_age_ns=10,
        limited=["a.pos velocity"],
        alarm="",
        inputs=[chunk] if k % 4 == 0 else [],
    )


def make_row(frame: int) -> Row:
    values = {"observation.state": [float(frame), 0.1], "hilt.proposed": [math.nan, math.inf], "intervention": [frame % 2 == 0]}
    return Row(frame=frame, time_ns=STARTED_NS + frame * 33_333_333, values=values)


def make_packets(frame: int) -> dict[str, bytes]:
    return {camera.name: f"{camera.name} {frame} ".encode() * (5 + frame % 7) for camera in HEADER.cameras}


def fill(writer: EpisodeWriter, rows: int) -> None:
    for frame in range(rows):
        writer.tick(make_tick(2 * frame, frame=frame))
        writer.row(make_row(frame), make_packets(frame))
        writer.tick(make_tick(2 * frame + 1))
        if frame % 4 == 0:
            writer.note(f"frame {frame}", STARTED_NS + frame)
            event = EventSeen(time_ns=STARTED_NS + frame, event="takeover", device="keys", old=Phase.AUTONOMOUS, new=Phase.HUMAN)
            writer.event(event)
