"""The conformance kit on the recorder of LeRobot datasets, with two cameras."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from lerobot_logs import golden_columns, make_header, own_columns, write_log
from lerobot_trees import tree

from hilt.ipc.messages import CameraColumn, Column, Outcome
from hilt_hooks.testing import Check, RecorderRig, check_recorder, conformance
from hilt_recorder_lerobot.plugin import DatasetConfig, hilt_recorders
from hilt_recorder_lerobot.reader import Dataset

(RECORDER,) = hilt_recorders()


def header(**changes: Any) -> dict[str, Any]:
    declared: dict[str, Any] = msgspec.to_builtins(make_header(**changes))
    return declared


REFUSED = {
    "fps": header(fps=15),
    "robot type": header(robot_type="openarm"),
    "force": header(columns=[*golden_columns(), *own_columns(), Column(name="force", dtype="float32", shape=[1])]),
    "intervention": header(columns=[Column(name="intervention", dtype="int8", shape=[1])]),
    "observation.images.front": header(cameras=[CameraColumn(name="front", height=48, width=64, channels=3)]),
    "observation.images.wrist": header(cameras=make_header().cameras[:1]),
}


def lengths(root: Path) -> list[int]:
    """As the rows and the video frames say: Dataset.check counts both."""
    if not (root / "meta").is_dir():
        return []
    dataset = Dataset(root)
    assert dataset.check() == []
    return [episode.length for episode in dataset.episodes]


def content(root: Path) -> dict[str, str]:
    """All that LeRobot sees."""
    return {name: digest for name, digest in tree(root).items() if not name.startswith("hilt/")}


@contextmanager
def rig() -> Iterator[RecorderRig]:
    with TemporaryDirectory() as place:
        root, logs = Path(place) / "dataset", Path(place) / "logs"
        tasks = {0: "Pick the cube", 1: "Stack the cube"}
        yield RecorderRig(
            config=DatasetConfig(repo_id="lab/cubes", root=str(root), resume=True),
            folder=root,
            header=header(),
            logs={write_log(logs, number, length=6 - number, task=task): 6 - number for number, task in tasks.items()},
            lengths=lambda: lengths(root),
            content=lambda: content(root),
            refused=REFUSED,
            unsaved=write_log(logs, 2, length=3, outcome=Outcome(saved=False)),
        )


@conformance(check_recorder(RECORDER, rig, module="hilt_recorder_lerobot.plugin"))
def test_recorder(check: Check) -> None:
    check.run()
