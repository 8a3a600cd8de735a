"""A session that is going to be killed: its processes, and what it had promised by then. All seen from outside."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, field

from benchmarks.kills.synced.sitecustomize import NOTED
from hilt.ipc import messages, rundir
from hilt.ipc.messages import EndEpisode, Phase, SetMode, Status, Tick
from hilt.ipc.ring import RingReader

SESSION, RECORDER, COMPACTION, ALL = "session", "recorder", "compaction", "all"
POLL_S = 0.004

_PROC = Path("/proc")
_STATUS_RING = re.compile(r" rw-s .*/status-(\w+)\.ring$", re.MULTILINE)
"""One that a process writes: observers read those of others."""
_HELPERS = {"rig": "filters", RECORDER: COMPACTION}
"""Who has started it -> a process that is no child of the session."""
_SPAWNED, _TRACKER = "multiprocessing.spawn", "multiprocessing.resource_tracker"


@define
class Promises:
    """What was known of a session when something in it was killed, or when it ended.

    frames: episode -> times of the ticks that started its dataset frames, monotonic ns. ended: those that the operator
    had ended, to be kept. saved: those of which the recorder had said that they are durable. kept: those of which it, or its
    successor, said so only afterwards. discarded: those that the session gave up,
    whenever that was -> when it was seen, monotonic ns.
    """

    frames: dict[int, list[int]] = field(factory=dict)
    ended: set[int] = field(factory=set)
    saved: set[int] = field(factory=set)
    kept: set[int] = field(factory=set)
    discarded: dict[int, int] = field(factory=dict)
    phases: list[Phase] = field(factory=list)


class Victim:
    """One `hilt collect`, followed through its rings, which outlive it. Call `look` often."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self.output = output
        with open(output, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=dict(environment)
            )
        self.pid, self.name = self.process.pid, ""
        self.promises = Promises()
        self._rings: dict[str, RingReader] = {}
        self._run_folder: Path | None = None
        self._until_ns: int | None = None

    def close(self) -> None:
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()

    @property
    def run_folder(self) -> Path | None:
        if self._run_folder is None:
            self._run_folder = next(rundir.base().glob(f"{self.pid}-*"), None)
        return self._run_folder

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    def freeze(self, at_ns: int) -> None:
        """What is ticked or ended later is no longer part of what was promised."""
        self._until_ns = at_ns

    def look(self) -> None:
        for packed in self._new(rundir.TICK):
            tick = messages.decode(packed)
            if isinstance(tick, Tick) and tick.frame >= 0 and self._counts(tick.time_ns):
                self.promises.frames.setdefault(tick.episode, []).append(tick.time_ns)
        for packed in self._new(rundir.SESSION):
            self._hear(messages.decode(packed))
        for packed in self._new(rundir.status_ring(RECORDER)):
            status = messages.decode(packed)
            if isinstance(status, Status) and status.device == RECORDER and status.state == "saved":
                (self.promises.saved if self._until_ns is None else self.promises.kept).add(status.episode)

    def _hear(self, message: messages.AnyMessage) -> None:
        if isinstance(message, SetMode):
            self.promises.phases.append(message.phase)
        elif isinstance(message, EndEpisode) and not message.saved:
            self.promises.discarded[message.episode] = time.monotonic_ns()
        elif isinstance(message, EndEpisode) and self._counts(time.monotonic_ns()):
            self.promises.ended.add(message.episode)

    def _counts(self, time_ns: int) -> bool:
        return self._until_ns is None or time_ns <= self._until_ns

    def _new(self, name: str) -> Iterator[bytes]:
        if name not in self._rings:
            folder = self.run_folder
            if folder is None or not (folder / name).exists():
                return
            self._rings[name] = RingReader(folder / name, after=0)
        yield from self._rings[name].drain()

    def wait(self, true: Callable[[], bool], limit_s: float, meanwhile: Callable[[], None]) -> bool:
        """Look on until something is true. False if it did not become so, in time or before the session ended."""
        until = time.monotonic() + limit_s
        while not true():
            if self.over or time.monotonic() > until:
                return true()
            self.look()
            meanwhile()
            time.sleep(POLL_S)
        return True

    def members(self) -> dict[str, int]:
        """Name -> process; those that are up so far as to have a status ring, what these have started, and the session itself."""
        found = {} if self.over else {SESSION: self.pid}
        children = _children()
        for pid in children.get(self.pid, []):
            if (name := _STATUS_RING.search(_read(pid, "maps"))) and runs(pid):
                found[name[1]] = pid
        for starter, helper in _HELPERS.items():
            for pid in children.get(found.get(starter, -1), []):
                if _SPAWNED in _read(pid, "cmdline") and runs(pid):
                    found[helper] = pid
        return found


def family(noted: str) -> list[int]:
    """All processes that run on a disk: those of a session, and what sessions before it have left."""
    return [pid for pid in _pids() if f"{NOTED}={noted}\0" in _read(pid, "environ") and runs(pid)]


def left_over(noted: str) -> dict[int, str]:
    """Processes on a disk but rigs, which are to stay with their filters, and what Python keeps for them: pid -> what it is."""
    rigs = {note.pid for folder in rundir.base().glob("*") if (note := rundir.rig_of(folder)) is not None}
    children = _children()
    stay = rigs.union(*(children.get(rig, []) for rig in rigs))
    return {pid: _what(pid) for pid in family(noted) if pid not in stay and _TRACKER not in _read(pid, "cmdline")}


def runs(pid: int) -> bool:
    return (_read(pid, "stat").rpartition(")")[2].split() or ["Z"])[0] not in "ZX"


def strike(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end(pids: Sequence[int], limit_s: float = 10.0) -> None:
    """Kill, and wait until they are gone."""
    strike(pids, signal.SIGKILL)
    until = time.monotonic() + limit_s
    while any(map(runs, pids)) and time.monotonic() < until:
        time.sleep(POLL_S)


def _pids() -> list[int]:
    return sorted(int(folder.name) for folder in _PROC.glob("[0-9]*"))


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pid in _pids():
        fields = _read(pid, "stat").rpartition(")")[2].split()
        if fields:
            found.setdefault(int(fields[1]), []).append(pid)
    return found


def _read(pid: int, file: str) -> str:
    try:
        return (_PROC / str(pid) / file).read_text(errors="replace")
    except OSError:  # ended meanwhile
        return ""


def _what(pid: int) -> str:
    ring = _STATUS_RING.search(_read(pid, "maps"))
    return ring[1] if ring else _read(pid, "cmdline").replace("\0", " ")[-80:].strip()
