"""What the channels of a log hold: JSON schemas of our messages, and the protobuf of a video packet.

Viewers read JSON schemas in a narrow dialect: every object lists its properties, an array's items are never arrays, no
references, no unions. What does not fit (the inputs of a tick) is declared as an object without properties; its content
is shown all the same.
"""

from typing import Any

import msgspec
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from hilt.ipc.messages import Column, EventSeen, Header, Tick

TICK, EVENT, ROW, NOTE = "/tick", "/event", "/row", "/note"
VIDEO_SCHEMA = "foxglove.CompressedVideo"

Schema = dict[str, Any]

_SCALARS: dict[type, str] = {
    msgspec.inspect.BoolType: "boolean",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.StrType: "string",
    msgspec.inspect.EnumType: "string",
}


def camera_topic(camera: str) -> str:
    return f"/camera/{camera}"


def json_schemas(header: Header) -> dict[str, tuple[str, Schema]]:
    """Topic -> name and JSON schema of its messages."""
    return {
        TICK: ("hilt.Tick", _struct(Tick)),
        EVENT: ("hilt.EventSeen", _struct(EventSeen)),
        ROW: ("hilt.Row", _row(header.columns)),
        NOTE: ("hilt.Note", _object(time_ns={"type": "integer"}, text={"type": "string"})),
    }


def video_schema() -> bytes:
    """The serialized FileDescriptorSet of `foxglove.CompressedVideo`, dependencies first."""
    descriptors = FileDescriptorSet()
    for file in _with_dependencies(CompressedVideo.DESCRIPTOR.file):
        file.CopyToProto(descriptors.file.add())
    return bytes(descriptors.SerializeToString())


def video_message(camera: str, time_ns: int, packet: bytes) -> bytes:
    message = CompressedVideo(frame_id=camera, data=packet, format="h264")
    message.timestamp.seconds, message.timestamp.nanos = divmod(time_ns, 1_000_000_000)
    return bytes(message.SerializeToString())


def video_packet(message: bytes) -> bytes:
    return bytes(CompressedVideo.FromString(message).data)


def _with_dependencies(file: Any) -> list[Any]:
    return [known for dependency in file.dependencies for known in _with_dependencies(dependency)] + [file]


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _struct(struct: type[msgspec.Struct]) -> Schema:
    return _object(**{field.encode_name: _of(field.type) for field in msgspec.inspect.type_info(struct).fields})  # type: ignore[attr-defined]


def _of(kind: msgspec.inspect.Type) -> Schema:
    if isinstance(kind, msgspec.inspect.UnionType):
        kinds = [each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType)]
        return _of(kinds[0]) if len(kinds) == 1 else _object()
    if isinstance(kind, msgspec.inspect.ListType):
        return {"type": "array", "items": _of(kind.item_type)}
    return {"type": _SCALARS[type(kind)]} if type(kind) in _SCALARS else _object()


def _row(columns: list[Column]) -> Schema:
    values = {column.name: {"type": "array", "items": {"type": _json_type(column.dtype)}} for column in columns}
    return _object(frame={"type": "integer"}, time_ns={"type": "integer"}, values=_object(**values))


def _json_type(dtype: str) -> str:
    if dtype == "bool":
        return "boolean"
    if dtype == "string":
        return "string"
    return "number" if dtype.startswith("float") else "integer"
