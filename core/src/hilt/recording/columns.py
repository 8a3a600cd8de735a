"""The columns of a dataset, and the values of one row."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from hilt.ipc.messages import CameraColumn, Column, Segment, Source, Tick
from hilt_hooks import ConfigError

_SOURCES = {source: number for number, source in enumerate(Source)}
_SEGMENTS = {segment: number for number, segment in enumerate(Segment)}


@frozen
class Seen:
    """What a row knows about its image. age_ms: from capture to the tick, NaN if the camera has given none yet."""

    age_ms: float
    repeated: bool


def columns(
    state_names: Sequence[str], action_names: Sequence[str], cameras: Sequence[CameraColumn], *, policy: str = ""
) -> list[Column]:
    """policy: what identifies the policy of this session. Raises ConfigError for a name that cannot be a column's."""
    bad = [camera.name for camera in cameras if not camera.name or "/" in camera.name]
    if bad:
        raise ConfigError(f"camera names {bad}: a name is part of a column's name and may not be empty or contain '/'")
    return [
        _vector("observation.state", state_names),
        _vector("action", action_names),
        _scalar("intervention", "bool"),
        _vector("hilt.proposed", action_names),
        _vector("hilt.sent", action_names),
        _vector("hilt.measured_age_ms", state_names),
        _scalar("hilt.source", "int64", {source.value: number for source, number in _SOURCES.items()}),
        _scalar("hilt.segment", "int64", {segment.value: number for segment, number in _SEGMENTS.items()}),
        _scalar("hilt.boundary", "bool"),
        _scalar("hilt.time_ns", "int64"),
        _scalar("hilt.success", "int64", {"unknown": -1, "failure": 0, "success": 1}),
        _scalar("hilt.policy", "int64", {"none": -1} | ({policy: 0} if policy else {})),
        _scalar("hilt.inference_ms", "float32"),
        *(column for camera in cameras for column in _of_camera(camera.name)),
    ]


def values(
    tick: Tick, *, started_ns: int, boundary: bool, inference_ms: float, cameras: Mapping[str, Seen]
) -> dict[str, list[Any]]:
    """A list of the column's shape for every column. `hilt.success` is filled in when the outcome is known."""
    actions = len(tick.requested)
    return {
        "observation.state": tick.measured,
        "action": tick.requested,
        # A demonstration is none: there, no policy was ever in command that a person could have relieved.
        "intervention": [tick.source is Source.HUMAN and tick.epoch > 0],
        "hilt.proposed": [math.nan] * actions if tick.proposed is None else tick.proposed,
        "hilt.sent": tick.sent,
        "hilt.measured_age_ms": [age / 1e6 for age in tick.ages_ns],
        "hilt.source": [_SOURCES[tick.source]],
        "hilt.segment": [_SEGMENTS[tick.segment]],
        "hilt.boundary": [boundary],
        "hilt.time_ns": [tick.time_ns - started_ns],
        "hilt.success": [-1],
        "hilt.policy": [-1 if tick.proposed is None else 0],
        "hilt.inference_ms": [math.nan if tick.proposed is None else inference_ms],
        **{f"hilt.{name}.age_ms": [seen.age_ms] for name, seen in cameras.items()},
        **{f"hilt.{name}.repeated": [seen.repeated] for name, seen in cameras.items()},
    }


def _vector(name: str, names: Sequence[str]) -> Column:
    return Column(name=name, dtype="float32", shape=[len(names)], names=list(names))


def _scalar(name: str, dtype: str, meaning: dict[str, int] | None = None) -> Column:
    return Column(name=name, dtype=dtype, shape=[1], meaning=meaning)


def _of_camera(name: str) -> list[Column]:
    return [_scalar(f"hilt.{name}.age_ms", "float32"), _scalar(f"hilt.{name}.repeated", "bool")]
