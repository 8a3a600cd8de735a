"""What is written is read; other readers of the format read it too."""

import json
import math
import os
import threading
from pathlib import Path

import msgspec
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from hypothesis import given
from hypothesis import strategies as st
from log_samples import HEADER, STARTED_NS, fill, make_packets, make_row, make_tick
from mcap.reader import make_reader

from hilt.ipc.messages import EventSeen, Outcome, Phase, Row, Tick
from hilt.log import EpisodeLog, EpisodeWriter
from hilt.log.reader import _restored
from hilt_hooks import HiltError


def as_json(value: object) -> bytes:
    """Equality in which whatever is not finite is equal."""
    return msgspec.json.encode(value)


def test_everything_written_is_read(finished: Path) -> None:
    log = EpisodeLog(finished)
    assert (log.header, log.episode, log.task, log.started_ns) == (HEADER, 3, "pick", STARTED_NS)
    assert log.outcome == Outcome(saved=True, success=True)
    assert as_json(list(log.ticks())) == as_json([make_tick(k, frame=k // 2 if k % 2 == 0 else -1) for k in range(20)])
    assert as_json(list(log.rows())) == as_json([make_row(frame) for frame in range(10)])
    for camera in ("front", "wrist"):
        assert list(log.packets(camera)) == [make_packets(frame)[camera] for frame in range(10)]
    assert list(log.notes()) == [(STARTED_NS + frame, f"frame {frame}") for frame in (0, 4, 8)]
    event = EventSeen(time_ns=STARTED_NS + 4, event="takeover", device="keys", old=Phase.AUTONOMOUS, new=Phase.HUMAN)
    assert list(log.events())[1] == event


def test_numbers_that_are_not_finite_are_nan_again(finished: Path) -> None:
    log = EpisodeLog(finished)
    first = next(log.ticks())
    assert first.proposed is not None
    assert math.isnan(first.proposed[0])
    assert math.isnan(first.measured[1])
    assert first.leader is None
    assert math.isnan(first.inputs[0].actions[0][0])  # type: ignore[union-attr]
    assert all(math.isnan(value) for value in next(log.rows()).values["hilt.proposed"])


numbers = st.floats(width=32)


@given(
    st.recursive(
        st.one_of(numbers, st.integers(-5, 5), st.booleans(), st.text(max_size=3)), lambda each: st.lists(each, max_size=4)
    )
)
def test_any_list_comes_back_from_json(value: object) -> None:
    read = _restored(msgspec.json.decode(msgspec.json.encode([value])))
    assert as_json(read) == as_json([value])
    assert "None" not in repr(read)


def test_the_standard_reader_reads_it(finished: Path) -> None:
    with open(finished, "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.channel_message_counts == {1: 20, 2: 3, 3: 10, 4: 3, 5: 10, 6: 10}
        topics = {channel.topic: channel.message_encoding for channel in summary.channels.values()}
        json_topics = dict.fromkeys(("/tick", "/event", "/row", "/note"), "json")
        assert topics == {**json_topics, "/camera/front": "protobuf", "/camera/wrist": "protobuf"}
        assert [record.name for record in reader.iter_metadata()] == ["hilt.header", "hilt.episode", "hilt.outcome"]
        messages = [message.data for _, _, message in reader.iter_messages(topics=["/row"])]
        assert json.loads(messages[2])["frame"] == 2


def test_json_schemas_keep_to_the_dialect_of_viewers(finished: Path) -> None:
    with open(finished, "rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    schemas = {schema.name: json.loads(schema.data) for schema in summary.schemas.values() if schema.encoding == "jsonschema"}
    assert schemas.keys() == {"hilt.Tick", "hilt.EventSeen", "hilt.Row", "hilt.Note"}
    for schema in schemas.values():
        assert schema["type"] == "object"
        check_dialect(schema)
    assert schemas["hilt.Row"]["properties"]["values"]["properties"]["intervention"]["items"] == {"type": "boolean"}
    assert schemas["hilt.Tick"]["properties"].keys() == set(Tick.__struct_fields__)


def check_dialect(schema: dict[str, object]) -> None:
    if schema["type"] == "object":
        for each in schema["properties"].values():  # type: ignore[attr-defined]
            check_dialect(each)
    elif schema["type"] == "array":
        assert schema["items"]["type"] != "array"  # type: ignore[index]
        check_dialect(schema["items"])  # type: ignore[arg-type]
    else:
        assert schema["type"] in {"boolean", "string", "number", "integer"}


def test_video_packets_are_self_described_protobuf(finished: Path) -> None:
    with open(finished, "rb") as file:
        reader = make_reader(file)
        schema, _, message = next(reader.iter_messages(topics=["/camera/front"]))
    assert schema is not None
    pool = DescriptorPool()
    for description in FileDescriptorSet.FromString(schema.data).file:
        pool.Add(description)
    from google.protobuf.message_factory import GetMessageClass

    video = GetMessageClass(pool.FindMessageTypeByName(schema.name)).FromString(message.data)
    assert (video.format, video.frame_id, video.data) == ("h264", "front", make_packets(0)["front"])
    assert video.timestamp.seconds * 1_000_000_000 + video.timestamp.nanos == make_row(0).time_ns


def test_a_discarded_log_gets_another_name_and_overwrites_nothing(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        writer = EpisodeWriter(tmp_path / "e.mcap", HEADER, episode=0, task="", started_ns=0)
        fill(writer, 1)
        names.append(writer.close(Outcome(saved=False)).name)
    assert names == ["e.mcap.discarded", "e.mcap.discarded2", "e.mcap.discarded3"]
    assert EpisodeLog(tmp_path / names[0]).outcome == Outcome(saved=False)


@pytest.mark.parametrize(
    ("row", "images", "complaint"),
    [
        (make_row(1), make_packets(0), "row 1 where row 0 comes next"),
        (Row(frame=0, time_ns=0, values={"intervention": [True]}), make_packets(0), "observation.state"),
        (make_row(0), {"front": b""}, "wrist"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(writer: EpisodeWriter, row: Row, images: dict[str, bytes], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        writer.row(row, images)
    writer.abandon()


def test_a_log_is_never_overwritten(finished: Path) -> None:
    with pytest.raises(FileExistsError, match="written already"):
        EpisodeWriter(finished, HEADER, episode=3, task="", started_ns=0)


def test_sync_from_another_thread_while_the_log_is_closed(writer: EpisodeWriter) -> None:
    fill(writer, 3)
    closed = threading.Event()
    errors: list[BaseException] = []

    def keep_syncing() -> None:
        try:
            while not closed.is_set():
                writer.sync()
            writer.sync()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=keep_syncing)
    thread.start()
    writer.close(Outcome(saved=True))
    closed.set()
    thread.join()
    assert errors == []


def test_not_a_log(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(os.urandom(1000))
    with pytest.raises(HiltError, match=r"x\.mcap: not an episode log"):
        EpisodeLog(path)
