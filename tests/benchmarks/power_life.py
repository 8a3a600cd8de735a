"""A process that records, recovers and compacts, and is killed on the way: orders, one JSON object a line, on stdin.

An order has `noted` (the folder of a `benchmarks.kills.power.Disk`), `do` (a list of [what, episode]; what: record, sync,
recover or add) and `kill_at`: it dies by SIGKILL just before its kill_at-th change to what is on the disk (opening for writing,
creating a folder, renaming, deleting, fsync); null: never. A child is forked for each order. The answer is a line: how the
child ended (0, or -9), how many changes it had begun, and how many of `do` were done.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  (pyarrow would import it in every child)

from benchmarks.kills.synced.sitecustomize import follow
from hilt.ipc.messages import CameraColumn, Column, Header, Outcome, Row
from hilt.log import EpisodeWriter, recover, unfinished
from hilt.recording.video import Encoder
from hilt_hooks.testing.killing import Changes
from hilt_recorder_lerobot.plugin import DatasetConfig
from hilt_recorder_lerobot.recorder import build

ROWS = 4
CAMERA = CameraColumn(name="front", height=48, width=64, channels=3)
HEADER = Header(
    session="session",
    robot_type="one_joint",
    fps=30,
    interpolation=1,
    state_names=["a.pos"],
    action_names=["a.pos"],
    leader_names=[],
    columns=[Column(name=name, dtype="float32", shape=[1], names=["a.pos"]) for name in ("observation.state", "action")],
    cameras=[CAMERA],
    config={},
)


def dataset(disk: Path) -> Path:
    return disk / "dataset"


def log_of(disk: Path, episode: int) -> Path:
    return dataset(disk) / "hilt" / "logs" / HEADER.session / f"episode-{episode:06d}.mcap"


def write(disk: Path, episode: int) -> EpisodeWriter:
    writer = EpisodeWriter(log_of(disk, episode), HEADER, episode=episode, task="Pick the cube", started_ns=0)
    encoder = Encoder(CAMERA, HEADER.fps)
    for frame in range(ROWS):
        image = np.full((CAMERA.height, CAMERA.width, 3), 20 * frame, np.uint8)
        values = {column.name: [float(frame)] for column in HEADER.columns}
        writer.row(Row(frame=frame, time_ns=frame, values=values), {CAMERA.name: encoder.encode(image, keyframe=True)})
    return writer


def record(disk: Path, episode: int) -> None:
    write(disk, episode).close(Outcome(saved=True, success=True))


def sync(disk: Path, episode: int) -> None:
    """All rows are durable, but nobody says how the episode ends."""
    writer = write(disk, episode)
    writer.sync()
    writer.abandon()


def recover_all(disk: Path, _: int) -> None:
    for part in unfinished(log_of(disk, 0).parent):
        recover(part)


def add(disk: Path, episode: int) -> None:
    if log_of(disk, episode).exists():
        build(DatasetConfig(repo_id="lab/power", root=str(dataset(disk)), resume=True)).add(log_of(disk, episode))


VERBS: Mapping[str, Callable[[Path, int], None]] = {"record": record, "sync": sync, "recover": recover_all, "add": add}


def counted(changes: Changes, fsync: Callable[[Any], None]) -> Callable[[Any], None]:
    """A sync changes nothing that an audit hook sees."""

    def call(fd: Any) -> None:
        changes.count("fsync")
        fsync(fd)

    return call


def live(order: dict[str, Any], answer: int) -> None:
    noted = Path(order["noted"])
    changes = Changes(str(noted / "disk"), order["kill_at"])
    follow(str(noted))
    os.fsync = counted(changes, os.fsync)
    sys.addaudithook(changes)
    for what, episode in order["do"]:
        VERBS[what](noted / "disk", episode)
        os.write(answer, f"{len(changes.made)}\n".encode())


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        read, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            live(order, write_end)
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read) as answer:
            done = answer.read().split()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"status": status, "seen": int(done[-1]) if done else 0, "done": len(done)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
