"""Logs to record from: a small robot with two cameras, whose values follow formulas."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from hilt.ipc.messages import CameraColumn, Column, Header, Outcome, Row
from hilt.log import EpisodeWriter

GOLDEN = Path(__file__).parents[4] / "../shared/golden/lerobot_v3_dataset"
JOINTS = [f"{name}.pos" for name in ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")]
SOURCES = {"hold": 0, "policy": 1, "human": 2}
FPS = 30

MakeHeader = Callable[..., Header]
MakeLog = Callable[..., Path]


def golden_columns() -> list[Column]:
    """Those that the golden dataset has."""
    return [
        Column(name="observation.state", dtype="float32", shape=[6], names=JOINTS),
        Column(name="action", dtype="float32", shape=[6], names=JOINTS),
        Column(name="intervention", dtype="bool", shape=[1]),
    ]


def own_columns() -> list[Column]:
    return [
        Column(name="hilt.proposed", dtype="float32", shape=[6], names=JOINTS),
        Column(name="hilt.source", dtype="int64", shape=[1], meaning=SOURCES),
        Column(name="hilt.time_ns", dtype="int64", shape=[1]),
        Column(name="hilt.success", dtype="int64", shape=[1], meaning={"unknown": -1, "failure": 0, "success": 1}),
        Column(name="hilt.policy", dtype="int64", shape=[1], meaning={"none": -1, "act": 0}),
        Column(name="hilt.front.age_ms", dtype="float32", shape=[1]),
    ]


def make_header(**changes: Any) -> Header:
    fields: dict[str, Any] = {
        "session": "20260101-000000",
        "robot_type": "so101_follower",
        "fps": FPS,
        "interpolation": 1,
        "state_names": JOINTS,
        "action_names": JOINTS,
        "leader_names": [],
        "columns": golden_columns() + own_columns(),
        "cameras": [CameraColumn(name=name, height=96, width=128, channels=3) for name in ("front", "wrist")],
        "config": {},
    }
    return Header(**(fields | changes))


def state(episode: int, frame: int) -> NDArray[np.float32]:
    """(6,): the formula of the golden dataset."""
    return np.array([20 * np.sin(frame / 10 + joint + episode) for joint in range(6)], dtype=np.float32)


def picture(episode: int, frame: int, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """(h, w, 3): the formula of the golden dataset's front camera."""
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[..., 0] = (np.arange(width)[None, :] + 3 * frame) % 256
    image[..., 1] = (2 * np.arange(height)[:, None] + 5 * episode) % 256
    image[..., 2] = 5 * frame % 256
    return image


def encode(images: Sequence[NDArray[np.uint8]]) -> list[bytes]:
    """H.264 access units, one an image, a key frame every second one."""
    context = av.CodecContext.create("libx264", "w")
    context.height, context.width = images[0].shape[:2]
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, FPS), Fraction(FPS)
    context.gop_size, context.thread_count = 2, 1
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "10"}
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = number
        packets += context.encode(frame)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]


def row_values(episode: int, frame: int) -> dict[str, Any]:
    """A value for every column that a test may declare."""
    human = 10 <= frame < 18
    return {
        "observation.state": state(episode, frame).tolist(),
        "action": (state(episode, frame) + 1).tolist(),
        "intervention": [human],
        "hilt.proposed": [float("nan")] * 6 if human else state(episode, frame).tolist(),
        "hilt.source": [SOURCES["human" if human else "policy"]],
        "hilt.time_ns": [frame * 33_333_333],
        "hilt.success": [-1],
        "hilt.policy": [-1 if human else 0],
        "hilt.front.age_ms": [float(frame % 7)],
    }


def write_log(
    folder: Path,
    episode: int = 0,
    *,
    length: int = 20,
    task: str = "Pick the cube",
    header: Header | None = None,
    outcome: Outcome | None = None,
    packets: Mapping[str, Sequence[bytes]] | None = None,
    values: Callable[[int, int], dict[str, Any]] = row_values,
) -> Path:
    header = header or make_header()
    encoded: dict[str, Sequence[bytes]] = {}
    for camera in header.cameras:
        images = [picture(episode, frame, camera.height, camera.width) for frame in range(length)]
        encoded[camera.name] = encode([image[::-1] if camera.name == "wrist" else image for image in images])
    encoded |= packets or {}
    path = folder / header.session / f"episode-{episode:06d}.mcap"
    writer = EpisodeWriter(path, header, episode=episode, task=task, started_ns=0)
    for frame in range(length):
        every = values(episode, frame)
        row = Row(frame=frame, time_ns=frame * 33_333_333, values={column.name: every[column.name] for column in header.columns})
        writer.row(row, {name: of_camera[frame] for name, of_camera in encoded.items()})
    return writer.close(outcome or Outcome(saved=True, success=True))
