"""Logs that were cut off."""

from contextlib import closing
from pathlib import Path

import msgspec

from hilt.ipc.messages import EventSeen, Outcome, Phase
from hilt.log.files import Episode, LogFile, sync_folder
from hilt.log.reader import EpisodeLog
from hilt.log.writer import DISCARDED, PART, free_name
from hilt_hooks import HiltError

_SUCCESS = {"success": True, "failure": False}
"""Event -> what it says of the episode that it ends."""


def unfinished(folder: Path) -> list[Path]:
    """The logs in `folder` that were cut off, or are being written."""
    return sorted(folder.glob(f"*.mcap{PART}"))


def recover(part: Path, told: Outcome | None = None) -> Path | None:
    """Make a finished log, marked `recovered`, of what is whole in a cut-off one, and remove that. Gives its path.

    None if there is nothing to keep: the file is moved to `<name>.empty` if it has no row, and to `<stem>.mcap.discarded`
    if the operator had discarded the episode. told: how it ended, where the log does not say; else its last events count.
    Raises OSError, and leaves the cut-off log as it is, where the disk has no room for another.
    Killed at any instant, by a power cut too, and called again, it ends in the same.
    """
    log, final = _open(part), part.with_name(part.name.removesuffix(PART))
    if log is None or next(log.rows(), None) is None:
        _rename(part, free_name(part, ".empty"))
        return None
    outcome = log.outcome or told or _decided(log)
    if not outcome.saved:
        _rename(part, free_name(final, DISCARDED))
        return None
    draft = final.with_name(final.name + ".recovering")
    draft.unlink(missing_ok=True)
    try:
        _copy(log, draft, msgspec.structs.replace(outcome, recovered=True))
    except OSError:  # a full disk, which half a draft would only keep full
        draft.unlink(missing_ok=True)
        raise
    _rename(draft, final)
    part.unlink()
    sync_folder(part.parent)
    return final


def _decided(log: EpisodeLog) -> Outcome:
    """What the operator had decided when the log was cut off; an episode that was still running counts as saved."""
    end: EventSeen | None = None
    for event in log.events():  # the first of them are from before the episode
        if event.new in (Phase.SAVED, Phase.DISCARDED):
            end = event
        elif event.new in (Phase.AUTONOMOUS, Phase.HUMAN):
            end = None
    if end is None:
        return Outcome(saved=True)
    return Outcome(saved=end.new == Phase.SAVED, success=_SUCCESS.get(end.event))


def _open(part: Path) -> EpisodeLog | None:
    try:
        return EpisodeLog(part)
    except HiltError:
        return None


def _rename(old: Path, new: Path) -> None:
    old.rename(new)
    sync_folder(new.parent)


def _copy(log: EpisodeLog, draft: Path, outcome: Outcome) -> None:
    episode = Episode(episode=log.episode, task=log.task, started_ns=log.started_ns)
    with closing(LogFile(draft, log.header, episode)) as copy:
        for chunk in log.chunks():
            for topic, time_ns, data in chunk:
                copy.add(topic, time_ns, data)
            copy.flush()
        copy.finish(outcome)
