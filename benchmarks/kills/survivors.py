"""What is left of sessions after kills, beside what they had promised."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import frozen

from benchmarks.kills.victims import Promises
from hilt.log import EpisodeLog, unfinished
from hilt_hooks import HiltError
from hilt_recorder_lerobot.reader import Dataset

JUST_BEGUN_NS = 200_000_000
"""How long after its first frame a session may discard an episode that ends: it may not have seen any of them yet."""


@frozen
class Session:
    """name: of the folder of its logs; "" if there never was one. killed_ns: monotonic; None if nothing was killed."""

    name: str
    promises: Promises
    killed_ns: int | None


@frozen
class Episode:
    """saved: the recorder had said so; or it, or its successor, said so after the kill, and what is kept is wrong or not there.
    An episode in which the kill fell may lack its end, whoever saves what there is of it. ended: the operator had
    ended it. frames: how many were ticked until the kill.

    problem: why it does not count as kept. lost_s: from its first frame that is missing to the kill.
    """

    session: str
    number: int
    saved: bool
    ended: bool
    frames: int
    missing: int
    lost_s: float
    problem: str


def episodes(root: Path, sessions: Sequence[Session]) -> list[Episode]:
    """Of each episode that has a frame, or was called saved; without those that a session gave up when they had just begun.

    Decodes all their images.
    """
    rows, problems = _kept(root, {session.name for session in sessions})
    return [each for session in sessions for each in _of(root, session, rows, problems)]


def wrong(root: Path) -> list[str]:
    """What is wrong with the dataset as a whole, and which logs nobody has recovered."""
    found = [f"{part.relative_to(root)}: not recovered" for folder in _sessions(root) for part in unfinished(folder)]
    if not (root / "meta" / "info.json").exists():
        return found
    try:
        dataset = Dataset(root)
    except HiltError as error:
        return [*found, str(error)]
    try:
        return [*found, *dataset.check()]
    finally:
        dataset.close()


Rows = Mapping[str, "set[int]"]
"""Log (session/episode-NNNNNN) -> times of the rows that are in the dataset, monotonic ns."""


def _kept(root: Path, names: "set[str]") -> tuple[Rows, Mapping[str, str]]:
    rows: dict[str, set[int]] = {}
    problems: dict[str, str] = {}
    if not (root / "meta" / "info.json").exists():
        return rows, problems
    dataset = Dataset(root)
    try:
        for number, episode in enumerate(dataset.episodes):
            name = episode.log or ""
            if name.partition("/")[0] in names:
                rows[name], problems[name] = _examined(root, dataset, number, name)
    finally:
        dataset.close()
    return rows, problems


def _examined(root: Path, dataset: Dataset, number: int, name: str) -> tuple["set[int]", str]:
    """The rows of one episode, and what is wrong with it."""
    log = EpisodeLog(root / "hilt" / "logs" / f"{name}.mcap")
    written = list(log.rows())
    times = {row.time_ns for row in written}
    try:
        columns = dataset.episode(number)
        frames = sum(1 for _ in dataset.frames(number))
    except HiltError as error:
        return times, str(error)
    if frames != len(written):
        return times, f"{frames} frames in the dataset, {len(written)} rows in the log"
    for column in ("action", "hilt.time_ns"):
        wanted = np.array([row.values[column] for row in written], columns[column].dtype)
        if not np.array_equal(columns[column], wanted, equal_nan=True):
            return times, f"{column} is not what the log has"
    return times, ""


def _of(root: Path, session: Session, rows: Rows, problems: Mapping[str, str]) -> Iterator[Episode]:
    promised = session.promises
    ticked = {number for number, times in promised.frames.items() if not _given_up(promised, number, times[0])}
    for number in sorted(ticked | promised.saved | promised.kept | promised.ended):
        log = f"{session.name}/episode-{number:06d}"
        frames, kept = promised.frames.get(number, []), rows.get(log)
        missing = sorted(set(frames) - (kept or set()))
        lost_ns = session.killed_ns - missing[0] if missing and session.killed_ns is not None else 0
        short = f"{len(missing)} of {len(frames)} frames are missing" if missing else ""
        is_wrong = kept is None or bool(problems.get(log))
        yield Episode(
            session=session.name,
            number=number,
            saved=number in promised.saved or (number in promised.kept and is_wrong),
            ended=number in promised.ended,
            frames=len(frames),
            missing=len(missing),
            lost_s=max(0, lost_ns) / 1e9,
            problem=problems.get(log, "") or (short if kept is not None else _gone(root, log)),
        )


def _given_up(promised: Promises, number: int, first_ns: int) -> bool:
    return promised.discarded.get(number, math.inf) < first_ns + JUST_BEGUN_NS


def _gone(root: Path, log: str) -> str:
    files = [path.name for path in sorted((root / "hilt" / "logs").glob(f"{log}.mcap*"))]
    return f"not in the dataset; of its log there is: {', '.join(files) or 'nothing'}"


def _sessions(root: Path) -> list[Path]:
    return sorted(folder for folder in (root / "hilt" / "logs").glob("*") if folder.is_dir())
