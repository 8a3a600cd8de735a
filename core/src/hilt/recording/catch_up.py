"""Bringing a dataset up to date with the logs of sessions that have ended, in whatever way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hilt.ipc.messages import Status, StatusState
from hilt.log import recover, unfinished
from hilt.log.files import sync_folder
from hilt.log.writer import DISCARDED, free_name
from hilt.recording.locks import compaction_lock, session_lock
from hilt.recording.status import DATASET
from hilt_hooks import Recorder

Report = Callable[[Status], None]

_TAKEN_BACK = ".taken-back"


def say_nothing(status: Status) -> None:
    """For a caller that has nobody to tell."""


def catch_up(root: Path, recorder: Recorder, report: Report = say_nothing, *, current: Path | None = None) -> None:
    """Recover what was cut off, take back what the operator discarded, add what is not in the dataset yet.

    root: the folder of the sessions' folders, `<dataset>/hilt/logs`. current: one of them that is left alone, as is every
    session whose recorder still runs. Killed at any instant and called again, it ends in the same. A log that cannot be
    added is reported, not raised.
    """
    for session in sorted(path for path in root.iterdir() if path.is_dir() and path != current):
        with session_lock(session) as lock:
            if lock is not None:
                recover_all(session, report)
                for log in sorted(session.glob("*.mcap")):
                    add_or_take_back(log, root, recorder, report)


def recover_all(session: Path, report: Report) -> None:
    """One for which the disk has no room stays as it is, and is told."""
    for part in unfinished(session):
        try:
            log = recover(part)
        except OSError as error:
            why = f"was cut off and cannot be recovered now ({error.strerror}); it is kept, and the next session tries again"
            report(_status(StatusState.FAILED, f"{part} {why}"))
        else:
            if log is not None:
                report(_status(StatusState.RECOVERED, f"{session.name}/{log.stem} was cut off and has been recovered"))


def add_or_take_back(log: Path, root: Path, recorder: Recorder, report: Report) -> None:
    """Do for one finished log what is left to do."""
    with compaction_lock(root):
        is_taken_back = _mark_of(log).exists()
        try:
            if is_taken_back:
                recorder.remove(log)
                _set_aside(log)
            elif log.exists():
                recorder.add(log)
        except Exception as error:  # whatever a plugin raises: the log is safe, and the next one may fit
            if is_taken_back:
                what = f"is discarded, but taking it out of the dataset failed ({_why(error)}); the next session tries again"
            else:
                what = f"is not in the dataset ({_why(error)}); the log is kept"
            report(_status(StatusState.FAILED, f"{log} {what}"))


def finish(root: Path, recorder: Recorder, report: Report) -> Mapping[str, Any]:
    """Complete the dataset. Gives what the recorder says of it; nothing if it fails."""
    with compaction_lock(root):
        try:
            return recorder.finish()
        except Exception as error:  # as above
            report(_status(StatusState.FAILED, f"the dataset could not be completed ({_why(error)}); all logs are kept"))
            return {}


def mark_taken_back(log: Path) -> None:
    """Decide durably that an episode is not wanted; `add_or_take_back` does the rest, in this session or the next."""
    _mark_of(log).touch()
    sync_folder(log.parent)


def _mark_of(log: Path) -> Path:
    return log.with_name(log.name + _TAKEN_BACK)


def _set_aside(log: Path) -> None:
    log.rename(free_name(log, DISCARDED))
    sync_folder(log.parent)  # or a power cut might leave a log without its mark
    _mark_of(log).unlink()
    sync_folder(log.parent)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _status(state: StatusState, detail: str) -> Status:
    return Status(device=DATASET, state=state, detail=detail)
