"""The MCAP file under a log: chunks with checksums, metadata with checksums, and a walk over whatever is whole.

One chunk holds whole rows: a row and its video packets are never in two chunks, so a cut leaves no half rows. Every
message carries its number in the file, so a chunk that was lost to damage is noticed.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import IO, Any, BinaryIO, cast

import msgspec
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Metadata
from mcap.stream_reader import breakup_chunk
from mcap.writer import MCAP0_MAGIC, CompressionType, Writer

from hilt.ipc.messages import Header, Outcome
from hilt.log.schemas import VIDEO_SCHEMA, camera_topic, json_schemas, video_schema

DAMAGE = (McapError, ValueError, struct.error, msgspec.MsgspecError)
"""What parsing a damaged record raises."""

_durable: set[tuple[int, int]] = set()
"""Device and inode of folders whose paths this process has synced."""

_NEVER = 1 << 62
_RECORD = struct.Struct("<BQ")


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    episode: int
    task: str
    started_ns: int


class _Unbuffered:
    """A new file in which every write is whole and in the kernel when it returns."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115
        self._written = 0
        self.fileno, self.close, self.flush = self._file.fileno, self._file.close, self._file.flush

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._written += len(data)

    def tell(self) -> int:
        return self._written

    @property
    def closed(self) -> bool:
        return self._file.closed


class LogFile:
    """A log being written at `path`, which must not exist. Chunks end where `flush` is called and nowhere else."""

    def __init__(self, path: Path, header: Header, episode: Episode) -> None:
        self._file = _Unbuffered(path)
        self._open = Lock()
        # Video does not compress, and the rest is a few per cent of a log.
        self._writer: Any = Writer(cast(IO[bytes], self._file), chunk_size=_NEVER, compression=CompressionType.NONE)
        self._channels: dict[str, int] = {}
        self._messages = 0
        try:
            self._begin(header, episode)
        except BaseException:
            self.close()
            raise

    def add(self, topic: str, time_ns: int, data: bytes) -> None:
        self._writer.add_message(self._channels[topic], time_ns, data, time_ns, self._messages)
        self._messages += 1

    def flush(self) -> None:
        """End the chunk and hand it to the kernel."""
        self._writer.flush()

    def sync(self) -> None:
        """fsync. From any thread; does nothing once the file is closed."""
        with self._open:
            if not self._file.closed:
                os.fsync(self._file.fileno())

    def finish(self, outcome: Outcome) -> None:
        """Write the outcome and the index, fsync, close."""
        self._writer.flush()
        self._metadata("hilt.outcome", outcome)
        self._writer.finish()
        self.sync()
        self.close()

    def close(self) -> None:
        """Close the file as it is, without an outcome. What was not flushed is lost."""
        with self._open:
            self._file.close()

    def _begin(self, header: Header, episode: Episode) -> None:
        self._writer.start(profile="hilt")
        self._metadata("hilt.header", header)
        self._metadata("hilt.episode", episode)
        self._register(header)
        self.flush()

    def _metadata(self, name: str, value: msgspec.Struct) -> None:
        text = msgspec.json.encode(value)
        self._writer.add_metadata(name, {"json": text.decode(), "crc32": str(zlib.crc32(text))})

    def _register(self, header: Header) -> None:
        for topic, (name, schema) in json_schemas(header).items():
            schema_id = self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
            self._channels[topic] = self._writer.register_channel(topic, "json", schema_id)
        if header.cameras:
            schema_id = self._writer.register_schema(VIDEO_SCHEMA, "protobuf", video_schema())
            for camera in header.cameras:
                topic = camera_topic(camera.name)
                self._channels[topic] = self._writer.register_channel(topic, "protobuf", schema_id)


def records(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Opcode, offset and payload of each whole record from the start of a file that may be cut off or damaged."""
    size = os.fstat(file.fileno()).st_size
    at = len(MCAP0_MAGIC)
    file.seek(0)
    if file.read(at) != MCAP0_MAGIC:
        return
    while at + _RECORD.size <= size:
        opcode, length = _RECORD.unpack(file.read(_RECORD.size))
        at += _RECORD.size
        if at + length > size:
            return
        yield opcode, at, file.read(length)
        at += length
        if opcode == Opcode.FOOTER:
            return


def parse_metadata(payload: bytes) -> tuple[str, bytes]:
    """Name and JSON. Raises one of DAMAGE when they are not as they were written."""
    record = Metadata.read(_stream(payload))
    text = record.metadata.get("json", "").encode()
    if record.metadata.get("crc32") != str(zlib.crc32(text)):
        raise ValueError(f"metadata {record.name!r} does not match its checksum")
    return record.name, text


def parse_chunk(payload: bytes, *, verify: bool) -> tuple[list[Channel], list[Message]]:
    """Raises one of DAMAGE when the chunk is not as it was written."""
    content = breakup_chunk(Chunk.read(_stream(payload)), validate_crc=verify)
    return [r for r in content if isinstance(r, Channel)], [r for r in content if isinstance(r, Message)]


def sync_path(folder: Path) -> None:
    """Make the path to `folder` survive a power cut: its own name and those above it, as far up as one may write.

    Also those that were there before: whoever made them may have been killed too early. Each is synced once by a process.
    """
    found = []
    for each, above in pairwise((folder.absolute(), *folder.absolute().parents)):
        about = each.stat()
        if (about.st_dev, about.st_ino) in _durable or not os.access(above, os.R_OK | os.W_OK):
            break
        sync_folder(above)
        found.append((about.st_dev, about.st_ino))
    _durable.update(found)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stream(payload: bytes) -> ReadDataStream:
    return ReadDataStream(BytesIO(payload))
