"""Reading the dataset that LeRobot wrote."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_logs import picture, state
from numpy.typing import NDArray

from hilt_hooks import ConfigError
from hilt_recorder_lerobot.reader import Dataset, Frame

LENGTHS = [40, 25, 31]
TASKS = ["Pick the cube", "Pick the cube", "Stack the cube"]


def assert_like(image: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    """Equal within what a lossy codec leaves; the jump of the ramps from 255 to 0 is blurred and left out."""
    difference = np.abs(image.astype(int) - wanted.astype(int))
    assert np.median(difference) <= 4
    assert np.percentile(difference, 90) <= 12


def assert_golden(frame: Frame, episode: int, number: int) -> None:
    np.testing.assert_allclose(frame["observation.state"], state(episode, number), atol=1e-5)
    np.testing.assert_allclose(frame["action"], frame["observation.state"] + 1, atol=1e-5)
    assert frame["intervention"].tolist() == [10 <= number < 18]
    assert frame["task"] == TASKS[episode]
    assert frame["frame_index"].tolist() == [number]
    assert frame["timestamp"].dtype == np.float32
    assert_like(frame["observation.images.front"], picture(episode, number))
    assert_like(frame["observation.images.wrist"], picture(episode, number)[::-1])


def test_golden_reads_frame_by_frame_in_order(golden: Path) -> None:
    dataset = Dataset(golden)
    assert [episode.length for episode in dataset.episodes] == LENGTHS
    for episode, length in enumerate(LENGTHS):
        frames = list(dataset.frames(episode))
        assert len(frames) == length
        for number, frame in enumerate(frames):
            assert_golden(frame, episode, number)


def test_golden_reads_in_any_order(golden: Path) -> None:
    dataset = Dataset(golden)
    starts = np.cumsum([0, *LENGTHS])
    for index in np.random.default_rng(0).permutation(len(dataset)).tolist():
        episode = int(np.searchsorted(starts, index, side="right")) - 1
        assert_golden(dataset.frame(index), episode, index - int(starts[episode]))
    dataset.close()


def test_golden_description(golden: Path) -> None:
    dataset = Dataset(golden)
    assert (dataset.fps, len(dataset), list(dataset.tasks)) == (30, 96, ["Pick the cube", "Stack the cube"])
    assert dataset.features["observation.images.front"].shape == (96, 128, 3)
    assert dataset.episodes[1].videos["observation.images.front"].start_s == pytest.approx(40 / 30)
    columns = dataset.episode(2)
    assert columns["action"].shape == (31, 6)
    assert columns["index"][:, 0].tolist() == list(range(65, 96))
    assert dataset.check() == []


def test_frames_outside_and_missing_datasets_are_named(golden: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexError, match="frame 96 of 96"):
        Dataset(golden).frame(96)
    with pytest.raises(ConfigError, match=r"no dataset here \(meta/info.json is missing\)"):
        Dataset(tmp_path)


@pytest.fixture
def copy(golden: Path, tmp_path: Path) -> Path:
    shutil.copytree(golden, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "copy"


DATA = "data/chunk-000/file-000.parquet"
FRONT = "videos/observation.images.front/chunk-000/file-000.mp4"


def test_unknown_columns_are_left_out(copy: Path) -> None:
    table = pq.read_table(copy / DATA)
    pq.write_table(table.append_column("lab.note", pa.array(["x"] * len(table))), copy / DATA)
    dataset = Dataset(copy)
    assert "lab.note" not in dataset.frame(3)
    assert dataset.check() == []


def cut_data(root: Path) -> None:
    (root / DATA).write_bytes((root / DATA).read_bytes()[:-100])


def drop_rows(root: Path) -> None:
    pq.write_table(pq.read_table(root / DATA).slice(0, 90), root / DATA)


def shift_index(root: Path) -> None:
    table = pq.read_table(root / DATA)
    values = pa.array(np.arange(1, 97))
    pq.write_table(table.set_column(table.schema.get_field_index("index"), "index", values), root / DATA)


def swap_video(root: Path) -> None:
    (root / FRONT).unlink()


def leave_orphan(root: Path) -> None:
    shutil.copy(root / DATA, root / "data/chunk-000/file-001.parquet")


def miscount(root: Path) -> None:
    info = root / "meta/info.json"
    info.write_text(info.read_text().replace('"total_frames": 96', '"total_frames": 95'))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (cut_data, "not a readable parquet file"),
        (drop_rows, "90 rows, its episodes have 96"),
        (shift_index, "episode 1: index does not count from 40"),
        (swap_video, "not a readable video"),
        (leave_orphan, "file-001.parquet: no episode names this file"),
        (miscount, "total_frames is 95, the files hold 96"),
    ],
)
def test_check_finds(copy: Path, damage: Callable[[Path], None], expected: str) -> None:
    damage(copy)
    assert any(expected in problem for problem in Dataset(copy).check())
