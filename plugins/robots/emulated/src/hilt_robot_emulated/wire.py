"""The log of the wire: every packet of goals, with the time at which it was complete at the servos."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from hilt.ipc.ring import RingReader, RingWriter
from hilt_robot_emulated.folder import wire_path


class WireEntry(msgspec.Struct, frozen=True):
    """arrival_ns: monotonic. arm: `robot` or `leader`. goals: motor id -> Goal_Position in steps, as it was on the wire."""

    arrival_ns: int
    arm: str
    goals: dict[int, int]


class WireLog:
    def __init__(self, folder: Path) -> None:
        self._ring = RingWriter(wire_path(folder), slot_bytes=128, slots=8192)

    def add(self, entry: WireEntry) -> None:
        self._ring.write(msgspec.msgpack.encode(entry))


class WireReader:
    """Entries from now on, or with `from_start` from the oldest that is still there (some 8000)."""

    def __init__(self, folder: Path, *, from_start: bool = False) -> None:
        self._ring = RingReader(wire_path(folder), after=0 if from_start else None)
        self._decoder = msgspec.msgpack.Decoder(WireEntry)

    @property
    def lost(self) -> int:
        return self._ring.lost

    def drain(self) -> Iterator[WireEntry]:
        """All entries that wait."""
        return map(self._decoder.decode, self._ring.drain())

    def close(self) -> None:
        self._ring.close()
