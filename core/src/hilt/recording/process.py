"""The recorder process.

It reads the rings and blocks nobody. What it says, as `Status` on `status-recorder.ring`, with device `recorder`:

    ready      logs can be written
    saved      this episode is durable, with so many frames; detail is the path of its log
    discarded  this episode is not kept, or is being taken back
    failed     nothing can be recorded any more, and the process ends
    done       the last word after Stop; detail is the recorder's summary as JSON

and with device `dataset`, while recording goes on: `working` (what is being done), `recovered` (a log that was cut off),
`failed` (a log that is kept but could not be recovered or added) and `lost` (the process that writes the dataset has ended).

BeginEpisode is to be sent before the SetMode that lets the rig tick in that episode.
"""

import errno
import shutil
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from hilt.ipc.messages import BeginEpisode, DiscardLast, EndEpisode, EventSeen, Outcome, Status, StatusState, Stop
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.ipc.rundir import TICK
from hilt.log import EpisodeLog, EpisodeWriter, recover
from hilt.log.files import sync_folder, sync_path
from hilt.log.writer import PART
from hilt.recording.catch_up import mark_taken_back, recover_all
from hilt.recording.compaction import Compactor
from hilt.recording.episode import RunningEpisode
from hilt.recording.feeds import CameraFeed
from hilt.recording.locks import only_session, session_lock
from hilt.recording.setup import RecorderSetup
from hilt.recording.status import RECORDER
from hilt.recording.ticks import TickInbox
from hilt_hooks import HiltError

LEAST_FREE = 100_000_000
"""Bytes on the disk without which recording does not begin."""
_NICENESS = 5
_POLL_S = 0.004
_SYNC_NS = 500_000_000

Finished = tuple[Status, Path | None]
"""What to say about an episode, and the log that the dataset is to be brought up to date with."""


def run(setup: RecorderSetup) -> None:
    """The process's main: until Stop, or until the parent has died. The process must not be daemonic: it has a child."""
    ignore_interrupts()
    lower_priority(_NICENESS)
    mailbox = Mailbox(setup.run_dir, RECORDER, after=setup.after)
    try:
        setup.logs.mkdir(parents=True, exist_ok=True)
        sync_path(setup.logs)  # what is said to be saved must not go with a folder above it
        _check_space(setup.logs)
        with session_lock(setup.logs) as lock:
            if lock is None:
                raise HiltError(f"{setup.logs}: another recorder writes there")
            with only_session(setup.logs), closing(Recording(setup, mailbox)) as recording:
                recording.run()
    except Exception as error:
        mailbox.tell(StatusState.FAILED, detail=_reason(error))
        if isinstance(error, HiltError | OSError):
            raise SystemExit(1) from error
        raise


class Recording:
    """Rings and logs in the main thread, encoding in a thread for each camera, waiting for the disk in one more."""

    def __init__(self, setup: RecorderSetup, mailbox: Mailbox) -> None:
        self._setup, self._mailbox = setup, mailbox
        self._ticks = TickInbox(setup.run_dir / TICK)
        cameras = setup.header.cameras
        self._feeds = {camera.name: CameraFeed(camera, setup.header.fps, setup.run_dir) for camera in cameras}
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")
        self._closing: deque[Future[Finished]] = deque()
        self._syncing: Future[None] | None = None
        self._synced_ns = 0
        self._episode: RunningEpisode | None = None
        self._early_events: list[EventSeen] = []
        self._stopped = False
        for episode, outcome in setup.told.items():
            self._settle(episode, outcome)
        recover_all(setup.logs, mailbox.say)
        self._compactor = Compactor(setup) if setup.recorder_factory else None
        for log in sorted(setup.logs.glob("*.mcap")):
            self._compact(log)

    def run(self) -> None:
        self._mailbox.tell(StatusState.READY)
        while not (self._mailbox.orphaned or self._stopped):
            self.step()
            time.sleep(_POLL_S)
        self._cut_off()
        if self._stopped:
            self._complete()

    def step(self) -> None:
        """Take in what waits in the rings, write what is ready, tell what is done."""
        self._ticks.read()  # before the messages: the BeginEpisode of any tick in here is then among them
        messages = self._mailbox.receive()
        for message in messages:
            self._handle(message)
        if self._episode is None and not messages:  # `_end` reads ticks that may be newer than its messages
            self._ticks.trim()
        self._write_ticks()
        if self._episode:
            self._episode.advance()
            self._sync(self._episode)
        self._report()

    def close(self) -> None:
        if self._compactor:
            self._compactor.close()
        self._disk.shutdown()
        for feed in self._feeds.values():
            feed.close()

    def _handle(self, message: object) -> None:
        match message:
            case BeginEpisode():
                self._begin(message)
            case EndEpisode():
                self._end(message)
            case DiscardLast(episode=episode):
                self._closing.append(self._disk.submit(_take_back, self._log_of(episode), episode))
            case EventSeen() if self._episode:
                self._episode.event(message)
            case EventSeen():
                self._early_events.append(message)
            case Stop():
                self._stopped = True

    def _begin(self, message: BeginEpisode) -> None:
        self._cut_off()
        path, now = self._log_of(message.episode), time.monotonic_ns()
        writer = EpisodeWriter(path, self._setup.header, episode=message.episode, task=message.task, started_ns=now)
        self._episode = RunningEpisode(writer, self._feeds, episode=message.episode, started_ns=now)
        for event in self._early_events:
            self._episode.event(event)
        self._early_events.clear()

    def _end(self, message: EndEpisode) -> None:
        if self._episode is None or self._episode.episode != message.episode:
            self._mailbox.tell(StatusState.DISCARDED, episode=message.episode)
            return
        self._ticks.read()
        self._write_ticks()
        outcome = Outcome(saved=message.saved, success=message.success)
        self._closing.append(self._disk.submit(_close, self._episode, outcome))
        self._episode = None

    def _write_ticks(self) -> None:
        if self._episode is None:
            return
        ticks, lost = self._ticks.take(self._episode.episode), self._ticks.lost()
        if lost:
            self._episode.writer.note(f"{lost} ticks were overwritten before they were read", time.monotonic_ns())
        for tick in ticks:
            self._episode.tick(tick)

    def _cut_off(self) -> None:
        """Nobody said how the running episode ended: make durable what there is of it, and leave it to recovery."""
        if self._episode:
            self._ticks.read()
            self._write_ticks()
            self._disk.submit(self._episode.cut_off).result()
            self._episode = None

    def _sync(self, episode: RunningEpisode) -> None:
        now = time.monotonic_ns()
        if now - self._synced_ns < _SYNC_NS or (self._syncing and not self._syncing.done()):
            return
        if self._syncing:
            self._syncing.result()
        self._syncing, self._synced_ns = self._disk.submit(episode.writer.sync), now

    def _report(self) -> None:
        while self._closing and self._closing[0].done():
            status, log = self._closing.popleft().result()
            self._mailbox.say(status)
            if log:
                self._compact(log)
        if self._compactor:
            for status in self._compactor.statuses():
                self._mailbox.say(status)

    def _compact(self, log: Path) -> None:
        if self._compactor:
            self._compactor.take(log)

    def _complete(self) -> None:
        """After Stop: every log closed, then the dataset complete, unless nobody waits for it any more."""
        while self._closing and not self._mailbox.orphaned:
            self._report()
            time.sleep(_POLL_S)
        if self._compactor:
            self._compactor.finish()
        while self._compactor and self._compactor.running and not self._mailbox.orphaned:
            self._report()
            time.sleep(_POLL_S)
        self._mailbox.tell(StatusState.DONE, detail=self._compactor.summary if self._compactor else "{}")

    def _settle(self, episode: int, outcome: Outcome) -> None:
        """Finish what a recorder left behind that died before it could say that this episode is durable."""
        log = self._log_of(episode)
        part = log.with_name(log.name + PART)
        if part.exists():
            recover(part, outcome)
        if log.exists() and not outcome.saved:
            mark_taken_back(log)
        sync_folder(log.parent)  # it may have died between giving the log its name and making that durable
        if outcome.saved and log.exists():
            self._mailbox.say(_saved(log, episode, sum(1 for _ in EpisodeLog(log).rows())))
        else:
            self._mailbox.tell(StatusState.DISCARDED, detail=str(log), episode=episode)

    def _log_of(self, episode: int) -> Path:
        return self._setup.logs / f"episode-{episode:06d}.mcap"


def _close(episode: RunningEpisode, outcome: Outcome) -> Finished:
    """In the disk's thread."""
    if not episode.rows:
        outcome = Outcome(saved=False)
    path = episode.finish(outcome)
    if outcome.saved:
        return _saved(path, episode.episode, episode.rows), path
    return Status(device=RECORDER, state=StatusState.DISCARDED, detail=str(path), episode=episode.episode), None


def _saved(log: Path, episode: int, frames: int) -> Status:
    return Status(device=RECORDER, state=StatusState.SAVED, detail=str(log), episode=episode, frames=frames)


def _take_back(log: Path, episode: int) -> Finished:
    """In the disk's thread, so after the log has been closed."""
    saved = log.exists()
    if saved:
        mark_taken_back(log)
    return Status(device=RECORDER, state=StatusState.DISCARDED, detail=str(log), episode=episode), log if saved else None


def _reason(error: Exception) -> str:
    if isinstance(error, HiltError):
        return str(error)
    if isinstance(error, OSError):
        what = "the disk is full: free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error)
    else:
        what = f"{type(error).__name__}: {error}"
    return f"{what}. What was recorded until then is kept"


def _check_space(logs: Path) -> None:
    free = shutil.disk_usage(logs).free
    if free < LEAST_FREE:
        raise HiltError(f"{logs}: {free // 10**6} MB are left on this disk; free at least {LEAST_FREE // 10**6} MB")
