"""Saved logs -> dataset, in a process of its own: heavy work never shares an interpreter with the recorder."""

import json
import multiprocessing
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hilt.ipc.messages import Status, StatusState
from hilt.ipc.process import DETAIL_BYTES, ignore_interrupts, lower_priority
from hilt.recording.catch_up import add_or_take_back, catch_up, finish
from hilt.recording.setup import RecorderSetup
from hilt.recording.status import DATASET
from hilt_hooks import HiltError, Recorder

NICENESS = 10
_FINISH = None


class Compactor:
    """The recorder's end. First it catches up with earlier sessions, then it takes logs in the order in which they come."""

    def __init__(self, setup: RecorderSetup) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_compact, args=(other, setup), name="hilt-compaction")
        self._process.start()
        other.close()
        self.running, self.summary = True, "{}"

    def take(self, log: Path) -> None:
        """Add the episode of this log, or take it back if it is marked so."""
        self._send(log)

    def finish(self) -> None:
        """Complete the dataset after the last log. `summary` says what it holds once it is no longer `running`."""
        self._send(_FINISH)

    def statuses(self) -> Iterator[Status]:
        """What it has to say since the last call; `lost`, once, if the process has ended before its time."""
        while self.running and self._pipe.poll():
            try:
                message = self._pipe.recv()
            except (EOFError, ConnectionError):
                self.running = False
                what = "the process that writes the dataset has ended; all logs are kept, and the next session adds them"
                yield Status(device=DATASET, state=StatusState.LOST, detail=what)
            else:
                if isinstance(message, Status):
                    yield message
                else:
                    self.running, self.summary = False, message

    def close(self) -> None:
        """It ends after the log that it is working on, if any."""
        self._pipe.close()

    def _send(self, job: Path | None) -> None:
        with suppress(ConnectionError):  # `statuses` tells that the process has ended
            self._pipe.send(job)


def build(setup: RecorderSetup) -> Recorder:
    if setup.recorder_factory is None:
        raise HiltError("no recorder is configured")
    recorder: Recorder = pkgutil.resolve_name(setup.recorder_factory)(setup.recorder_config)
    return recorder


def _compact(pipe: Connection, setup: RecorderSetup) -> None:
    ignore_interrupts()
    lower_priority(NICENESS)
    try:
        _serve(pipe, setup)
    except (EOFError, ConnectionError):
        return  # the recorder has gone; the next session catches up


def _serve(pipe: Connection, setup: RecorderSetup) -> None:
    root, recorder = setup.logs.parent, build(setup)
    catch_up(root, recorder, pipe.send, current=setup.logs)
    while (log := pipe.recv()) is not _FINISH:
        pipe.send(Status(device=DATASET, state=StatusState.WORKING, detail=f"the dataset is brought up to date with {log.stem}"))
        add_or_take_back(log, root, recorder, pipe.send)
    pipe.send(_summary(finish(root, recorder, pipe.send)))


def _summary(content: Mapping[str, Any]) -> str:
    """As JSON; without the long parts if it would not fit into a status."""
    parts = {name: json.dumps(value, default=str) for name, value in content.items()}
    if sum(map(len, parts.values())) > DETAIL_BYTES // 2:
        parts = {name: value for name, value in parts.items() if len(value) <= DETAIL_BYTES // 30}
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in parts.items()) + "}"
