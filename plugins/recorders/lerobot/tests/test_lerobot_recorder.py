"""Adding, taking back, appending, refusing."""

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_logs import JOINTS, MakeHeader, MakeLog, encode, golden_columns, own_columns, picture, row_values
from lerobot_trees import tree

from hilt.ipc.messages import CameraColumn, Column, Header, Outcome
from hilt_hooks import ConfigError, HiltError, Recorder
from hilt_recorder_lerobot.episode import EpisodeRefused
from hilt_recorder_lerobot.files import locked
from hilt_recorder_lerobot.layout import LOCK
from hilt_recorder_lerobot.plugin import DatasetConfig, hilt_recorders
from hilt_recorder_lerobot.reader import Dataset
from hilt_recorder_lerobot.recorder import LeRobotRecorder, build
from hilt_recorder_lerobot.video import VideoProblem, examine

Reopened = Callable[..., LeRobotRecorder]


def declared(header: Header) -> dict[str, Any]:
    builtins: dict[str, Any] = msgspec.to_builtins(header)
    return builtins


def copied_golden(golden: Path, root: Path) -> None:
    shutil.copytree(golden, root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_it_is_a_recorder(recorder: LeRobotRecorder) -> None:
    (descriptor,) = hilt_recorders()
    assert isinstance(recorder, Recorder)
    assert descriptor.config is DatasetConfig
    assert descriptor.factory == f"{build.__module__}:{build.__name__}"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HF_LEROBOT_HOME": "/data/lr", "HF_HOME": "/data/hf"}, "/data/lr/lab/cubes"),
        ({"HF_HOME": "/data/hf"}, "/data/hf/lerobot/lab/cubes"),
        ({"HOME": "/home/lab"}, "/home/lab/.cache/huggingface/lerobot/lab/cubes"),
    ],
)
def test_datasets_lie_where_lerobot_looks(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_LEROBOT_HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert DatasetConfig(repo_id="lab/cubes").folder == Path(expected)


@pytest.mark.parametrize("name", ["", "../cubes", "lab/../cubes", "lab/a/b", "/cubes", "a b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.repo_id"):
        build(DatasetConfig(repo_id=name))


def test_adding_twice_changes_nothing(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog) -> None:
    path = log(0)
    recorder.add(path)
    before = tree(recorder.root)
    recorder.add(path)
    reopened().add(path)
    assert tree(recorder.root) == before


def test_the_summary_says_what_there_is(recorder: LeRobotRecorder, log: MakeLog) -> None:
    recorder.add(log(0, length=20))
    recorder.add(log(1, length=12, task="Stack the cube"))
    summary = recorder.finish()
    assert summary.pop("size_mb") > 0.05
    assert summary == {
        "root": str(recorder.root),
        "repo_id": "lab/cubes",
        "kept_out": {},
        "episodes": 2,
        "frames": 32,
        "tasks": ["Pick the cube", "Stack the cube"],
        "intervention_frames": 8 + 2,
    }


def test_a_session_without_episodes_has_a_summary(reopened: Reopened) -> None:
    summary = reopened(push_to_hub=True, private=True).finish()
    assert summary["episodes"] == 0
    assert summary["next"].startswith("hf upload lab/cubes ")
    assert "--private" in summary["next"]


@pytest.mark.parametrize(("success", "number"), [(True, 1), (False, 0), (None, -1)])
def test_success_comes_from_the_outcome(recorder: LeRobotRecorder, log: MakeLog, success: bool | None, number: int) -> None:
    recorder.add(log(0, outcome=Outcome(saved=True, success=success)))
    assert set(Dataset(recorder.root).episode(0)["hilt.success"].ravel().tolist()) == {number}


def test_what_was_not_there_is_nan_and_not_in_the_statistics(recorder: LeRobotRecorder, log: MakeLog) -> None:
    recorder.add(log(0, length=20))
    proposed = Dataset(recorder.root).episode(0)["hilt.proposed"]
    assert np.isnan(proposed[10:18]).all()
    assert np.isfinite(proposed[:10]).all()
    stats = json.loads((recorder.root / "meta/stats.json").read_text())["hilt.proposed"]
    assert stats["count"] == [12]
    seen = np.delete(proposed, np.s_[10:18], axis=0).astype(np.float64)
    np.testing.assert_allclose(stats["mean"], seen.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(stats["std"], seen.std(axis=0), atol=1e-6)
    assert stats["max"] == seen.max(axis=0).tolist()


def test_a_column_that_is_never_there_keeps_the_files_valid(recorder: LeRobotRecorder, log: MakeLog) -> None:
    recorder.add(log(0, values=lambda e, f: {**row_values(e, f), "hilt.proposed": [math.nan] * 6}))
    recorder.add(log(1))
    text = (recorder.root / "meta/stats.json").read_text()
    stats = json.loads(text, parse_constant=lambda name: pytest.fail(f"stats.json holds {name}"))
    assert stats["hilt.proposed"]["count"] == [12]
    assert stats["hilt.proposed"]["min"][0] > 0


def test_the_last_episode_can_be_taken_back(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog) -> None:
    first, second = log(0), log(1, task="Stack the cube")
    recorder.add(first)
    before = tree(recorder.root)
    recorder.add(second)
    recorder.remove(second)
    assert tree(recorder.root) == before
    recorder.remove(second)
    assert tree(recorder.root) == before
    second.unlink()
    reopened().remove(second)
    assert tree(recorder.root) == before


def test_an_episode_whose_log_is_gone_can_be_taken_back(recorder: LeRobotRecorder, log: MakeLog) -> None:
    path = log(0)
    recorder.add(path)
    path.rename(path.with_name(path.name + ".discarded"))
    recorder.remove(path)
    assert recorder.finish()["episodes"] == 0
    assert Dataset(recorder.root).check() == []


def test_only_the_last_episode_can_be_taken_back(recorder: LeRobotRecorder, log: MakeLog) -> None:
    first = log(0)
    recorder.add(first)
    recorder.add(log(1))
    with pytest.raises(ConfigError, match=r"is episode 0 of .*; only the last one, 1, can be taken back"):
        recorder.remove(first)


def test_an_emptied_dataset_takes_other_columns(recorder: LeRobotRecorder, log: MakeLog, header: MakeHeader) -> None:
    path = log(0)
    recorder.add(path)
    recorder.remove(path)
    recorder.add(log(1, header=header(session="later", columns=golden_columns(), fps=15)))
    dataset = Dataset(recorder.root)
    assert (dataset.check(), dataset.fps, "hilt.source" in dataset.features) == ([], 15, False)


def test_a_later_session_appends(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog, header: MakeHeader) -> None:
    recorder.add(log(0))
    recorder.finish()
    later = reopened()
    second = header(session="20260102-000000")
    later.validate(declared(second))
    later.add(log(0, header=second, task="Stack the cube"))
    dataset = Dataset(recorder.root)
    assert dataset.check() == []
    assert [episode.log for episode in dataset.episodes] == ["20260101-000000/episode-000000", "20260102-000000/episode-000000"]
    assert list(dataset.tasks) == ["Pick the cube", "Stack the cube"]


def test_enumerations_of_sessions_are_joined(recorder: LeRobotRecorder, log: MakeLog, header: MakeHeader) -> None:
    def with_policies(meaning: dict[str, int], session: str) -> Header:
        others = [column for column in own_columns() if column.name != "hilt.policy"]
        policy = Column(name="hilt.policy", dtype="int64", shape=[1], meaning=meaning)
        return header(session=session, columns=[*golden_columns(), *others, policy])

    recorder.add(log(0, header=with_policies({"none": -1, "act": 0}, "a")))
    recorder.add(log(0, header=with_policies({"none": -1, "smolvla": 0}, "b")))
    recorder.add(log(0, header=with_policies({"none": -1, "pi0": 1, "act": 0}, "c")))
    dataset = Dataset(recorder.root)
    assert dataset.meaning["hilt.policy"] == {"none": -1, "act": 0, "smolvla": 1, "pi0": 2}
    assert [dataset.episode(number)["hilt.policy"][[0, 12], 0].tolist() for number in range(3)] == [[0, -1], [1, -1], [0, -1]]


def test_an_existing_dataset_needs_resume(
    recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog, header: MakeHeader
) -> None:
    careful = reopened(resume=False)
    careful.validate(declared(header()))
    careful.add(log(0))
    with pytest.raises(ConfigError, match=r"holds 1 episodes already; append with --dataset\.resume=true"):
        careful.validate(declared(header()))
    recorder.validate(declared(header()))


def test_validation_writes_nothing(recorder: LeRobotRecorder, header: MakeHeader) -> None:
    recorder.validate(declared(header()))
    assert not recorder.root.exists()


def other_names() -> list[Column]:
    return [
        Column(name="observation.state", dtype="float32", shape=[6], names=JOINTS[::-1]),
        *golden_columns()[1:],
        *own_columns(),
    ]


def camera(name: str, height: int = 96) -> CameraColumn:
    return CameraColumn(name=name, height=height, width=128, channels=3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fps": 15}, ["dataset.fps: 30, but the session runs at 15", "fps: the dataset has 30, recording has 15"]),
        ({"robot_type": "openarm"}, ["robot type: the dataset has 'so101_follower', recording has 'openarm'"]),
        ({"cameras": [camera("front")]}, ["observation.images.wrist: in the dataset, but not recorded"]),
        ({"cameras": [camera("front", 64), camera("wrist")]}, ["observation.images.front: the dataset has shape [96, 128, 3]"]),
        ({"columns": other_names()}, ["observation.state: the dataset has ['shoulder_pan.pos', "]),
        ({"columns": golden_columns()[1:] + own_columns()}, ["observation.state: in the dataset, but not recorded"]),
        ({"columns": golden_columns()}, []),
        (
            {"columns": [*golden_columns(), *own_columns(), Column(name="next.reward", dtype="float32", shape=[1])]},
            ["next.reward: recorded, but not in the dataset"],
        ),
    ],
)
def test_what_does_not_fit_is_listed(
    recorder: LeRobotRecorder, log: MakeLog, header: MakeHeader, changes: dict[str, Any], expected: list[str]
) -> None:
    recorder.add(log(0))
    problems: tuple[str, ...] = ()
    try:
        recorder.validate(declared(header(**changes)))
    except ConfigError as error:
        problems = error.problems
    assert len(problems) == len(expected)
    assert all(problem.startswith(start) for problem, start in zip(problems, expected, strict=True)), problems


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Column(name="lab/force", dtype="float32", shape=[1]), "a name may not contain '/'"),
        (Column(name="timestamp", dtype="float32", shape=[1]), "written by the recorder itself"),
        (Column(name="lab.note", dtype="flaot32", shape=[1]), "nearest: float32"),
        (Column(name="lab.map", dtype="float32", shape=[2, 2]), "it needs one dimension"),
        (Column(name="action", dtype="float32", shape=[6]), "declared twice"),
    ],
)
def test_columns_that_no_dataset_holds_are_refused(
    recorder: LeRobotRecorder, header: MakeHeader, column: Column, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        recorder.validate(declared(header(columns=[*golden_columns(), column])))


def test_depth_cameras_are_refused(recorder: LeRobotRecorder, header: MakeHeader) -> None:
    depth = CameraColumn(name="depth", height=96, width=128, channels=1, dtype="uint16")
    with pytest.raises(ConfigError, match="camera depth: 1 channels of uint16; only colour"):
        recorder.validate(declared(header(cameras=[depth])))


def test_a_header_that_is_none_is_refused(recorder: LeRobotRecorder) -> None:
    with pytest.raises(ConfigError, match="fps"):
        recorder.validate({"robot_type": "so101_follower"})


def test_a_dataset_made_without_own_columns_is_left_alone(
    golden: Path, recorder: LeRobotRecorder, header: MakeHeader, log: MakeLog
) -> None:
    copied_golden(golden, recorder.root)
    before = tree(recorder.root)
    with pytest.raises(ConfigError) as refused:
        recorder.validate(declared(header()))
    text = str(refused.value)
    assert "hilt.proposed, hilt.source" in text
    assert "record into a new dataset (another --dataset.repo_id) and merge the two afterwards" in text
    assert "observation.images.front: the dataset's video is av1, recording writes h264; set --dataset.vcodec=libsvtav1" in text
    with pytest.raises(ConfigError):
        recorder.add(log(0))
    assert {name: digest for name, digest in tree(recorder.root).items() if not name.startswith("hilt/")} == before


def test_a_dataset_of_lerobot_can_be_continued(golden: Path, reopened: Reopened, header: MakeHeader, log: MakeLog) -> None:
    """What is recorded has the dataset's columns only, and its codec."""
    recorder = reopened(vcodec="libsvtav1", encoder_threads=1)
    copied_golden(golden, recorder.root)
    before = tree(recorder.root)
    plain = header(columns=golden_columns())
    recorder.validate(declared(plain))
    path = log(3, header=plain, length=12, task="Throw the cube")
    recorder.add(path)
    dataset = Dataset(recorder.root)
    assert dataset.check() == []
    assert (len(dataset), dataset.tasks[2], dataset.episodes[3].log) == (108, "Throw the cube", "20260101-000000/episode-000003")
    assert (
        pq.read_schema(recorder.root / "meta/episodes/chunk-000/file-001.parquet").names
        == pq.read_schema(recorder.root / "meta/episodes/chunk-000/file-000.parquet").names
    )
    recorder.remove(path)
    after = tree(recorder.root)
    kept = [name for name in before if name not in ("meta/stats.json", "meta/info.json", "meta/tasks.parquet")]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert json.loads((recorder.root / "meta/info.json").read_text()) == json.loads((golden / "meta/info.json").read_text())
    assert Dataset(recorder.root).check() == []


def test_own_columns_that_a_log_lacks_are_filled(recorder: LeRobotRecorder, log: MakeLog, header: MakeHeader) -> None:
    recorder.add(log(0))
    recorder.add(log(1, header=header(columns=golden_columns()[:2]), outcome=Outcome(saved=True)))
    columns = Dataset(recorder.root).episode(1)
    assert np.isnan(columns["hilt.proposed"]).all()
    assert set(columns["hilt.source"].ravel().tolist()) == {-1}
    assert not columns["intervention"].any()


def no_picture(length: int) -> dict[str, list[bytes]]:
    """As many packets as rows, but the last one holds parameters (SPS, PPS) and no picture."""
    packets = encode([picture(0, frame) for frame in range(length)])
    parameters = packets[0].split(b"\0\0\1")[1:3]
    return {"front": [*packets[:-1], b"".join(b"\0\0\1" + each for each in parameters)]}


def other_size(length: int) -> dict[str, list[bytes]]:
    return {"front": encode([picture(0, frame, 64, 128) for frame in range(length)])}


def no_key_first(length: int) -> dict[str, list[bytes]]:
    return {"front": encode([picture(0, frame) for frame in range(length + 1)])[1:]}


def garbage(length: int) -> dict[str, list[bytes]]:
    return {"front": [b"\0\0\0\1\x65" + bytes(range(100))] * length}


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (garbage, "camera front: "),
        (no_picture, "camera front: .*cannot be decoded"),
        (other_size, "camera front: frame 0 is 64x128, not 96x128"),
        (no_key_first, "camera front: the video does not begin with a key frame"),
    ],
)
def test_an_episode_whose_video_is_not_its_rows_is_kept_out(
    recorder: LeRobotRecorder, log: MakeLog, packets: Callable[[int], dict[str, list[bytes]]], expected: str
) -> None:
    recorder.add(log(0))
    before = tree(recorder.root)
    bad = log(1, packets=packets(20))
    with pytest.raises(VideoProblem, match=expected):
        recorder.add(bad)
    assert bad.exists()
    after = tree(recorder.root)
    assert re.search(expected, recorder.finish()["kept_out"]["20260101-000000/episode-000001"])
    assert {name: after[name] for name in before} == before
    assert [name for name in after if name not in before] == ["hilt/kept_out.json"]
    bad.unlink()
    recorder.add(log(1))
    assert recorder.finish()["kept_out"] == {}


def test_rows_and_frames_are_counted(recorder: LeRobotRecorder, log: MakeLog) -> None:
    recorder.add(log(0, length=6))
    path = recorder.root / "videos/observation.images.front/chunk-000/file-000.mp4"
    for rows in (5, 7):
        with pytest.raises(VideoProblem, match=f"{rows} rows, but 6 frames"):
            examine(path, fps=30, rows=rows, shape=(96, 128, 3), sample=[0])
    with pytest.raises(VideoProblem, match=r"frame 1 lies at 0\.0333 s, not 0\.0667 s"):
        examine(path, fps=15, rows=6, shape=(96, 128, 3), sample=[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"length": 1, "values": lambda e, f: {**row_values(e, f), "hilt.source": [None]}}, "row 0, column hilt.source"),
        ({"values": lambda e, f: {**row_values(e, f), "action": [1.0] * 5}}, "row 0, column action .*5 values instead of 6"),
        ({"task": ""}, "no task; give one with --dataset.single_task"),
    ],
)
def test_an_episode_with_wrong_values_is_kept_out(
    recorder: LeRobotRecorder, log: MakeLog, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(EpisodeRefused, match=expected):
        recorder.add(log(0, **options))
    assert recorder.finish()["episodes"] == 0


def test_a_log_that_is_still_written_is_refused(recorder: LeRobotRecorder, log: MakeLog) -> None:
    path = log(0)
    cut = path.with_name(path.name + ".part")
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EpisodeRefused, match="not finished as saved; recover it first"):
        recorder.add(cut)


def test_a_discarded_log_is_refused(recorder: LeRobotRecorder, log: MakeLog) -> None:
    with pytest.raises(EpisodeRefused, match="not finished as saved"):
        recorder.add(log(0, outcome=Outcome(saved=False)))


def test_one_process_writes_at_a_time(recorder: LeRobotRecorder, log: MakeLog) -> None:
    path = log(0)
    with locked(recorder.root / LOCK), pytest.raises(HiltError, match="another process is writing this dataset"):
        recorder.add(path)
    recorder.add(path)


def test_two_recorders_take_turns(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog) -> None:
    other = reopened()
    for episode in range(4):
        (recorder if episode % 2 else other).add(log(episode, length=4))
    dataset = Dataset(recorder.root)
    assert dataset.check() == []
    assert [episode.length for episode in dataset.episodes] == [4, 4, 4, 4]


def test_files_are_numbered_within_chunks(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog) -> None:
    recorder.add(log(0, length=2))
    path = recorder.root / "meta/info.json"
    path.write_text(path.read_text().replace('"chunks_size": 1000', '"chunks_size": 2'))
    later = reopened()
    for episode in range(1, 4):
        later.add(log(episode, length=2))
    assert sorted(str(path.relative_to(recorder.root / "data")) for path in (recorder.root / "data").rglob("*.parquet")) == [
        "chunk-000/file-000.parquet",
        "chunk-000/file-001.parquet",
        "chunk-001/file-000.parquet",
        "chunk-001/file-001.parquet",
    ]
    assert Dataset(recorder.root).check() == []


def test_a_dataset_that_lost_its_episodes_is_not_continued(golden: Path, recorder: LeRobotRecorder, log: MakeLog) -> None:
    copied_golden(golden, recorder.root)
    path = recorder.root / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pa.Table.from_batches(pq.read_table(path).slice(0, 2).to_batches()), path)
    with pytest.raises(ConfigError, match=r"info\.json counts 3 episodes, meta/episodes holds 2"):
        recorder.add(log(0))


def test_totals_that_lag_behind_are_brought_up_to_date(recorder: LeRobotRecorder, reopened: Reopened, log: MakeLog) -> None:
    recorder.add(log(0))
    before = (recorder.root / "meta/info.json").read_bytes()
    recorder.add(log(1))
    after = tree(recorder.root)
    (recorder.root / "meta/info.json").write_bytes(before)
    assert reopened().finish()["episodes"] == 2
    assert tree(recorder.root) == after


def test_listing_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, hilt_recorder_lerobot.plugin as plugin; plugin.hilt_recorders(); "
        "sys.exit(' '.join({'pyarrow', 'av', 'pandas', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr.strip() == ""
