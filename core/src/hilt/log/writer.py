"""Writing the log of an episode."""

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hilt.ipc.messages import EventSeen, Header, Outcome, Row, Tick
from hilt.log.files import Episode, LogFile, sync_folder, sync_path
from hilt.log.schemas import EVENT, NOTE, ROW, TICK, camera_topic, video_message

PART, DISCARDED = ".part", ".discarded"

_FLUSH_NS = 200_000_000


class EpisodeWriter:
    """Writes one episode's MCAP log as `<stem>.mcap.part`, renamed to `<stem>.mcap` by `close`.

    Rows, events and notes are in the kernel when the call returns. Ticks follow with whatever comes next, at the latest
    with the first call that is 0.2 s later. All methods but `sync` belong to one thread at a time.

    Raises FileExistsError when there is a log of that name, and OSError when the disk is full.
    """

    def __init__(self, path: Path, header: Header, *, episode: int, task: str, started_ns: int) -> None:
        if path.suffix != ".mcap":
            raise ValueError(f"{path}: the name of a log ends with .mcap")
        if path.exists():
            raise FileExistsError(f"{path}: the log of this episode has been written already")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows = path, 0
        self._part = path.with_name(path.name + PART)
        self._columns = {column.name for column in header.columns}
        self._cameras = [camera.name for camera in header.cameras]
        self._file = LogFile(self._part, header, Episode(episode=episode, task=task, started_ns=started_ns))
        self._flushed_ns = time.monotonic_ns()
        self._name_is_durable = False

    def tick(self, tick: Tick) -> None:
        self._file.add(TICK, tick.time_ns, msgspec.json.encode(tick))
        if time.monotonic_ns() - self._flushed_ns > _FLUSH_NS:
            self.flush()

    def event(self, event: EventSeen) -> None:
        self._file.add(EVENT, event.time_ns, msgspec.json.encode(event))
        self.flush()

    def row(self, row: Row, images: Mapping[str, bytes]) -> None:
        """images: camera -> one encoded access unit (H.264, Annex B). Rows are numbered from 0, without gaps.

        Raises ValueError when a column, a camera or a row is missing or surplus.
        """
        if row.frame != self.rows:
            raise ValueError(f"row {row.frame} where row {self.rows} comes next")
        if row.values.keys() != self._columns:
            raise ValueError(
                f"row {row.frame}: columns that differ from the header's: {sorted(row.values.keys() ^ self._columns)}"
            )
        if images.keys() != set(self._cameras):
            raise ValueError(f"row {row.frame}: images of {sorted(images)}, cameras are {sorted(self._cameras)}")
        self._file.add(ROW, row.time_ns, msgspec.json.encode(row))
        for camera in self._cameras:
            self._file.add(camera_topic(camera), row.time_ns, video_message(camera, row.time_ns, images[camera]))
        self.flush()
        self.rows += 1

    def note(self, text: str, time_ns: int) -> None:
        """What else happened: alarms, gaps, a device lost or back."""
        self._file.add(NOTE, time_ns, msgspec.json.encode({"time_ns": time_ns, "text": text}))
        self.flush()

    def flush(self) -> None:
        """Hand everything so far to the kernel: it survives the end of this process."""
        self._file.flush()
        self._flushed_ns = time.monotonic_ns()

    def sync(self) -> None:
        """fsync what was flushed: it survives a power cut. May take long; call it from another thread than the writing one."""
        self._file.sync()
        if not self._name_is_durable:
            self._sync_name()
            self._name_is_durable = True

    def close(self, outcome: Outcome) -> Path:
        """Finish, fsync and rename. A log that is not `saved` is called `<stem>.mcap.discarded`. Gives the final path."""
        self._file.finish(outcome)
        final = self.path if outcome.saved else free_name(self.path, DISCARDED)
        self._part.rename(final)
        self._sync_name()
        return final

    def _sync_name(self) -> None:
        sync_folder(self.path.parent)
        sync_path(self.path.parent)

    def abandon(self) -> None:
        """Leave the `.part` as it is, without an outcome; `recover` makes a log of it."""
        self._file.close()


def free_name(path: Path, suffix: str) -> Path:
    """`path` with `suffix`, and a number if there is such a file already: nothing is overwritten."""
    candidate, number = path.with_name(path.name + suffix), 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}{suffix}{number}")
    return candidate
