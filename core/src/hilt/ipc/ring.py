"""A ring of messages in shared memory: one writer, any number of readers, nobody ever waits.

The file is memory-mapped. A writer that is killed leaves a ring that can still be read; a reader that is stopped misses
messages and is told how many. Each slot carries its sequence number before and after the payload is copied, and a CRC
unless the payload is large (frames), so a half-written message is never taken for a whole one.

    file   magic u64 | slot_bytes u64 | slots u64 | checksum u64 | written u64 | slot * slots
    slot   2n+1 while message n is being written, 2n+2 after | length u64 | crc u64 | payload
"""

import mmap
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

_MAGIC = 0x31474E4952544C48
_HEADER_WORDS = 5
_SLOT_WORDS = 3
_WRITTEN = 4


def _words(slot_bytes: int) -> int:
    return _SLOT_WORDS + (slot_bytes + 7) // 8


class RingWriter:
    """slot_bytes: the largest message. slots: how many messages a reader may fall behind."""

    def __init__(self, path: Path, *, slot_bytes: int, slots: int, checksum: bool = True) -> None:
        self.path = path
        self._slots, self._stride, self._slot_bytes, self._checksum = slots, _words(slot_bytes), slot_bytes, checksum
        words = _HEADER_WORDS + slots * self._stride
        draft = path.with_name(path.name + ".new")
        with open(draft, "wb+") as file:
            file.truncate(words * 8)
            self._map = mmap.mmap(file.fileno(), words * 8)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        self._words[1], self._words[2], self._words[3] = slot_bytes, slots, int(checksum)
        self._words[0] = _MAGIC
        os.replace(draft, path)
        self.written = 0

    def write(self, *parts: bytes | bytearray | memoryview) -> None:
        """Publish one message made of `parts`."""
        length = sum(len(part) for part in parts)
        if length > self._slot_bytes:
            raise ValueError(f"{self.path.name}: a message of {length} bytes does not fit a slot of {self._slot_bytes}")
        words, start = self._words, _HEADER_WORDS + (self.written % self._slots) * self._stride
        words[start] = 2 * self.written + 1
        at, crc = (start + _SLOT_WORDS) * 8, 0
        for part in parts:
            self._bytes[at : at + len(part)] = part
            at += len(part)
            crc = zlib.crc32(part, crc) if self._checksum else 0
        words[start + 1], words[start + 2] = length, crc
        words[start] = 2 * self.written + 2
        self.written += 1
        words[_WRITTEN] = self.written

    def close(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()


class RingReader:
    """Reads from the newest message on, or with `from_start` from the oldest that is still there."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        if self._words[0] != _MAGIC:
            raise ValueError(f"{path} is not a ring")
        self._slots, self._checksum = self._words[2], bool(self._words[3])
        self._stride = _words(self._words[1])
        self._next = max(0, self.written - self._slots) if from_start else self.written
        self.lost = 0

    @property
    def written(self) -> int:
        return self._words[_WRITTEN]

    def read(self) -> bytes | None:
        """The next message, or None if there is none yet. `lost` counts those that were overwritten unread."""
        while self._next < self.written:
            message = self._copy(self._next)
            self._next += 1
            if message is not None:
                return message
            self.lost += 1
            oldest = self.written - self._slots + 1
            if oldest > self._next:
                self.lost += oldest - self._next
                self._next = oldest
        return None

    def drain(self) -> Iterator[bytes]:
        """All messages that wait."""
        while (message := self.read()) is not None:
            yield message

    def latest(self) -> bytes | None:
        """The newest message, read already or not; what `read` gives next does not change."""
        return next(self.backwards(), None)

    def backwards(self) -> Iterator[bytes]:
        """Whole messages from the newest to the oldest that is still there."""
        newest = self.written
        for number in range(newest - 1, max(-1, newest - self._slots), -1):
            message = self._copy(number)
            if message is not None:
                yield message

    def _copy(self, number: int) -> bytes | None:
        start = _HEADER_WORDS + (number % self._slots) * self._stride
        if self._words[start] != 2 * number + 2:
            return None
        length, crc = self._words[start + 1], self._words[start + 2]
        at = (start + _SLOT_WORDS) * 8
        message = bytes(self._bytes[at : at + length])
        if self._words[start] != 2 * number + 2 or (self._checksum and zlib.crc32(message) != crc):
            return None
        return message

    def close(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()
