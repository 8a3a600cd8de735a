"""The episode that is being recorded."""

import math
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from hilt.ipc.messages import ChunkMessage, EventSeen, Outcome, Row, Tick
from hilt.log import EpisodeWriter
from hilt.recording.columns import values
from hilt.recording.feeds import CameraFeed

OVERLOADED = 10
"""Rows that wait for their images before encoding is made cheaper, at the price of flagged repeats."""


class RunningEpisode:
    """Ticks go into the log at once, rows when their images are encoded. Belongs to one thread at a time."""

    def __init__(self, writer: EpisodeWriter, feeds: Mapping[str, CameraFeed], *, episode: int, started_ns: int) -> None:
        self.episode, self.writer = episode, writer
        self._feeds, self._started_ns = feeds, started_ns
        self._waiting: deque[tuple[Row, dict[str, Future[bytes]]]] = deque()
        self.rows = self._next_frame = 0
        self._inference_ms: dict[tuple[int, int], float] = {}
        self._overloaded, self._alarm = False, ""
        for feed in feeds.values():
            feed.start_episode()

    def event(self, event: EventSeen) -> None:
        self.writer.event(event)

    def tick(self, tick: Tick) -> None:
        self.writer.tick(tick)
        if tick.alarm not in {"", self._alarm}:
            self.writer.note(f"alarm: {tick.alarm}", tick.time_ns)
        self._alarm = tick.alarm
        for chunk in tick.inputs:
            if isinstance(chunk, ChunkMessage):
                self._inference_ms[chunk.epoch, chunk.id] = (chunk.finished_ns - chunk.started_ns) / 1e6
        if tick.frame >= 0:
            self._frame(tick)

    def advance(self) -> None:
        """Write the rows whose images are ready."""
        while self._waiting and all(packet.done() for packet in self._waiting[0][1].values()):
            self._write_next()

    def finish(self, outcome: Outcome) -> Path:
        """Wait for the images, write what is left, and close the log. Slow: it waits for the disk."""
        self._write_all()
        return self.writer.close(outcome)

    def cut_off(self) -> None:
        """Make everything durable, but leave the log unfinished: nobody said how the episode ended."""
        self._write_all()
        self.writer.flush()
        self.writer.sync()
        self.writer.abandon()

    def _frame(self, tick: Tick) -> None:
        boundary = tick.boundary or tick.frame != self._next_frame
        if tick.frame != self._next_frame:
            self.writer.note(f"gap: frame {tick.frame} where {self._next_frame} was due", tick.time_ns)
        self._next_frame = tick.frame + 1
        self._watch_load(tick.time_ns)
        taken = {
            name: feed.take(tick.read_ns, keyframe=boundary or self.rows == 0, overloaded=self._overloaded)
            for name, feed in self._feeds.items()
        }
        row = values(
            tick,
            started_ns=self._started_ns,
            boundary=boundary,
            inference_ms=self._inference_ms.get((tick.epoch, tick.chunk), math.nan),
            cameras={name: seen for name, (seen, _) in taken.items()},
        )
        packets = {name: packet for name, (_, packet) in taken.items()}
        self._waiting.append((Row(frame=self.rows, time_ns=tick.time_ns, values=row), packets))
        self.rows += 1

    def _watch_load(self, time_ns: int) -> None:
        overloaded = len(self._waiting) >= OVERLOADED
        if overloaded and not self._overloaded:
            self.writer.note("overload: encoders do not follow, images are repeated", time_ns)
        self._overloaded = overloaded

    def _write_all(self) -> None:
        while self._waiting:
            self._write_next()

    def _write_next(self) -> None:
        row, packets = self._waiting.popleft()
        self.writer.row(row, {name: packet.result() for name, packet in packets.items()})
