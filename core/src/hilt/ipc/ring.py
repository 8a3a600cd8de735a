"""A ring of messages in shared memory: one writer, any number of readers, nobody ever waits.

The file is memory-mapped. A writer that is killed leaves a ring that can still be read; a reader that is stopped misses
messages and is told how many. Each slot carries its sequence number before and after the payload is copied, and a CRC
unless the payload is large (frames), so a half-written message is never taken for a whole one.

    file   magic u64 | slot_bytes u64 | slots u64 | checksum u64 | written u64 | slot * slots
    slot   2n+1 while message n is being written, 2n+2 after | length u64 | crc u64 | payload

The successor of a writer that died goes on in the same ring, so its readers notice nothing but the pause.
"""

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from hilt.ipc.space import allocate

_MAGIC = 0x31474E4952544C48
_HEADER_WORDS = 5
_SLOT_WORDS = 3
_WRITTEN = 4


def _words(slot_bytes: int) -> int:
    return _SLOT_WORDS + (slot_bytes + 7) // 8


class RingWriter:
    """slot_bytes: the largest message. slots: how many messages a reader may fall behind.

    Raises ConnectError if there is no room for all of them.
    """

    def __init__(self, path: Path, *, slot_bytes: int, slots: int, checksum: bool = True) -> None:
        self.path = path
        self._slots, self._stride, self._slot_bytes, self._checksum = slots, _words(slot_bytes), slot_bytes, checksum
        shape = [_MAGIC, slot_bytes, slots, int(checksum)]
        if not _is_ring(path, shape):
            _create(path, shape, (_HEADER_WORDS + slots * self._stride) * 8)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        self.written = self._words[_WRITTEN]

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


def _is_ring(path: Path, shape: list[int]) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(shape) * 8) == struct.pack(f"={len(shape)}Q", *shape)
    except FileNotFoundError:
        return False


def _create(path: Path, shape: list[int], size: int) -> None:
    """Under its name it is whole from the first moment on."""
    draft = path.with_name(path.name + ".new")
    with open(draft, "wb") as file:
        allocate(file, size)
        file.seek(0)
        file.write(struct.pack(f"={len(shape)}Q", *shape))
    os.replace(draft, path)


class RingReader:
    """Reads from the newest message on; with `after` from the message of this number on, if it is still there."""

    def __init__(self, path: Path, *, after: int | None = None) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        if self._words[0] != _MAGIC:
            raise ValueError(f"{path} is not a ring")
        self._slots, self._checksum = self._words[2], bool(self._words[3])
        self._stride = _words(self._words[1])
        self._next = self.written if after is None else max(after, self.written - self._slots)
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
