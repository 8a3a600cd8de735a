"""Reading the log of an episode, finished or cut off."""

import math
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from attrs import field, frozen
from mcap.opcode import Opcode
from numpy.typing import NDArray

from hilt.ipc.messages import EventSeen, Header, Outcome, Row, Tick
from hilt.log.files import DAMAGE, Episode, parse_chunk, parse_metadata, records
from hilt.log.schemas import EVENT, NOTE, ROW, TICK, camera_topic, video_packet
from hilt_hooks import HiltError


@frozen
class _Content:
    """Where the whole chunks are, in order, and what the metadata says. channels: topic -> id."""

    metadata: dict[str, bytes] = field(factory=dict)
    chunks: list[tuple[int, int]] = field(factory=list)
    channels: dict[str, int] = field(factory=dict)


class EpisodeLog:
    """One episode, as far as it is whole.

    A file that was cut off ends with its last whole record; one that was damaged ends before the damage. Every row that
    is read has a packet of every camera. Raises HiltError when not even the header can be read.
    """

    header: Header
    episode: int
    task: str
    started_ns: int

    def __init__(self, path: Path) -> None:
        self.path = path
        metadata = _leading_metadata(path)
        try:
            self.header = msgspec.json.decode(metadata["hilt.header"], type=Header)
            about = msgspec.json.decode(metadata["hilt.episode"], type=Episode)
        except KeyError:
            raise HiltError(
                f"{path}: not an episode log, or cut off before its header was whole; nothing can be read of it"
            ) from None
        self.episode, self.task, self.started_ns = about.episode, about.task, about.started_ns

    @property
    def outcome(self) -> Outcome | None:
        """None for a log that was cut off, or damaged anywhere."""
        text = self._content.metadata.get("hilt.outcome")
        return None if text is None else msgspec.json.decode(text, type=Outcome)

    def rows(self) -> Iterator[Row]:
        """Values that were not finite are NaN."""
        for data in self._messages(ROW):
            row = msgspec.json.decode(data, type=Row)
            yield Row(
                frame=row.frame, time_ns=row.time_ns, values=dict(zip(row.values, _restored([*row.values.values()]), strict=True))
            )

    def packets(self, camera: str) -> Iterator[bytes]:
        """One access unit a row."""
        return map(video_packet, self._messages(camera_topic(camera)))

    def images(self, camera: str) -> Iterator[NDArray[np.uint8]]:
        """One (h, w, 3) RGB image a row."""
        from hilt.log.video import decode

        return decode(self.packets(camera))

    def ticks(self) -> Iterator[Tick]:
        """Values that were not finite are NaN."""
        return map(_tick, self._messages(TICK))

    def events(self) -> Iterator[EventSeen]:
        return (msgspec.json.decode(data, type=EventSeen) for data in self._messages(EVENT))

    def notes(self) -> Iterator[tuple[int, str]]:
        """Time (monotonic ns) and text."""
        for data in self._messages(NOTE):
            note = msgspec.json.decode(data)
            yield note["time_ns"], note["text"]

    def chunks(self) -> Iterator[list[tuple[str, int, bytes]]]:
        """Topic, time and data of every message, chunk by chunk: what a copy is made from."""
        topics = {number: topic for topic, number in self._content.channels.items()}
        with open(self.path, "rb") as file:
            for offset, length in self._content.chunks:
                file.seek(offset)
                _, messages = parse_chunk(file.read(length), verify=False)
                yield [(topics[each.channel_id], each.log_time, each.data) for each in messages]

    def _messages(self, topic: str) -> Iterator[bytes]:
        return (data for chunk in self.chunks() for name, _, data in chunk if name == topic)

    @cached_property
    def _content(self) -> _Content:
        content, seen = _Content(), 0
        with open(self.path, "rb") as file:
            for opcode, offset, payload in records(file):
                try:
                    if opcode == Opcode.METADATA:
                        name, text = parse_metadata(payload)
                        content.metadata[name] = text
                    elif opcode == Opcode.CHUNK:
                        seen += _verified(payload, seen, self.header, content.channels)
                        content.chunks.append((offset, len(payload)))
                except DAMAGE:
                    break
        return content


def _leading_metadata(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with open(path, "rb") as file:
        for opcode, _, payload in records(file):
            if opcode == Opcode.CHUNK:
                break
            if opcode == Opcode.METADATA:
                try:
                    name, text = parse_metadata(payload)
                except DAMAGE:
                    break
                found[name] = text
    return found


def _verified(payload: bytes, seen: int, header: Header, topics: dict[str, int]) -> int:
    """Check one chunk and give the number of its messages. seen: messages before it. New channels are added to `topics`."""
    channels, messages = parse_chunk(payload, verify=True)
    topics.update({channel.topic: channel.id for channel in channels})
    if [message.sequence for message in messages] != list(range(seen, seen + len(messages))):
        raise ValueError("messages are missing")
    counts = Counter(message.channel_id for message in messages)
    if any(counts[topics[camera_topic(camera.name)]] != counts[topics[ROW]] for camera in header.cameras):
        raise ValueError("a row without an image, or an image without a row")
    return len(messages)


def _tick(data: bytes) -> Tick:
    try:
        return msgspec.json.decode(data, type=Tick)
    except msgspec.ValidationError:
        return msgspec.convert(_restored(msgspec.json.decode(data)), Tick)


def _restored(value: Any) -> Any:
    """JSON has no NaN: a null in a list was a number that is not finite. Elsewhere null means that there is nothing."""
    if isinstance(value, list):
        return [math.nan if each is None else _restored(each) for each in value]
    return {name: _restored(each) for name, each in value.items()} if isinstance(value, dict) else value
