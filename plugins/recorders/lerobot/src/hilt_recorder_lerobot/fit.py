"""Whether what is to be recorded fits a dataset: one line for each thing that does not."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from hilt.ipc.messages import CameraColumn, Column, Header
from hilt_hooks import ConfigError
from hilt_recorder_lerobot.features import DEFAULTS, DTYPES, IMAGE_PREFIX, Feature, declared
from hilt_recorder_lerobot.store import State
from hilt_recorder_lerobot.video import CODEC_NAMES

_ELSEWHERE = "take another --dataset.repo_id"


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded: the part of a log's header that a dataset depends on."""

    fps: int
    robot_type: str
    columns: list[Column]
    cameras: list[CameraColumn]

    @classmethod
    def of(cls, header: Header | Mapping[str, Any]) -> "Declaration":
        """Raises ConfigError where `header` lacks a field or has one of a wrong type."""
        try:
            return msgspec.convert(header, cls, from_attributes=True)
        except msgspec.ValidationError as error:
            raise ConfigError(f"header of the log: {error}; it needs fps, robot_type, columns and cameras") from error

    @property
    def features(self) -> list[Feature]:
        return declared(self.columns, self.cameras)


def problems_of(declaration: Declaration) -> Iterator[str]:
    """What no dataset could hold."""
    names = [column.name for column in declaration.columns]
    reserved = {feature.name for feature in DEFAULTS}
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"column {name}: declared twice; give it another name"
    for column in declaration.columns:
        if "/" in column.name:
            yield f"column {column.name}: a name may not contain '/'; write '.' instead"
        if column.name in reserved:
            yield f"column {column.name}: written by the recorder itself; give it another name"
        if column.dtype not in DTYPES:
            near = "".join(f"; nearest: {name}" for name in get_close_matches(column.dtype, DTYPES, 1))
            yield f"column {column.name}: dtype {column.dtype!r}; allowed: {', '.join(DTYPES)}{near}"
        if len(column.shape) != 1 or column.shape[0] < 1:
            yield f"column {column.name}: shape {column.shape}; it needs one dimension of at least 1"
    for camera in declaration.cameras:
        if "/" in camera.name:
            yield f"camera {camera.name}: a name may not contain '/'; write '_' instead"
        if camera.channels != 3 or camera.dtype != "uint8":
            yield f"camera {camera.name}: {camera.channels} channels of {camera.dtype}; only colour (3 of uint8) is recorded"


def differences(declaration: Declaration, state: State, codec: str) -> Iterator[str]:
    """Where a dataset that has episodes differs from what is to be recorded. codec: `dataset.vcodec`."""
    info = state.info
    if info["fps"] != declaration.fps:
        yield f"fps: the dataset has {info['fps']}, recording has {declaration.fps}; set --dataset.fps={info['fps']}"
    if info.get("robot_type") not in (None, declaration.robot_type):
        yield f"robot type: the dataset has {info['robot_type']!r}, recording has {declaration.robot_type!r}; {_ELSEWHERE}"
    there = {feature.name: feature for feature in state.features}
    ours = {feature.name: feature for feature in declaration.features}
    yield from _missing([name for name in ours if name not in there])
    for name, feature in there.items():
        if name in ours:
            yield from _feature_differences(feature, ours[name], codec)
        elif not _may_be_filled(name):
            yield f"{name}: in the dataset, but not recorded; add it (a {_kind(name)}) or {_ELSEWHERE}"


def _missing(names: Sequence[str]) -> Iterator[str]:
    own = [name for name in names if _may_be_filled(name)]
    for name in names:
        if name not in own:
            yield f"{name}: recorded, but not in the dataset; leave the {_kind(name)} out or {_ELSEWHERE}"
    if own:
        yield (
            f"{', '.join(own)}: recorded, but not in the dataset, which was made without them; "
            "record into a new dataset (another --dataset.repo_id) and merge the two afterwards"
        )


def _kind(name: str) -> str:
    return "camera" if name.startswith(IMAGE_PREFIX) else "column"


def _may_be_filled(name: str) -> bool:
    """Columns about the recording itself, whose absence has a value: NaN, -1, False."""
    return name.startswith("hilt.") or name == "intervention"


def _feature_differences(there: Feature, ours: Feature, codec: str) -> Iterator[str]:
    if there.dtype != ours.dtype:
        yield f"{ours.name}: the dataset has dtype {there.dtype}, recording has {ours.dtype}; {_ELSEWHERE}"
    if there.shape != ours.shape:
        yield f"{ours.name}: the dataset has shape {list(there.shape)}, recording has {list(ours.shape)}; {_remedy(ours)}"
    elif there.names != ours.names:
        yield f"{ours.name}: the dataset has {there.names}, recording has {ours.names}; {_remedy(ours)}"
    stored = there.extra.get("info", {}).get("video.codec")
    if ours.is_video and stored not in (None, CODEC_NAMES[codec]):
        fitting = next((name for name, stored_as in CODEC_NAMES.items() if stored_as == stored), None)
        remedy = f"set --dataset.vcodec={fitting}" if fitting else _ELSEWHERE
        yield f"{ours.name}: the dataset's video is {stored}, recording writes {CODEC_NAMES[codec]}; {remedy}"


def _remedy(feature: Feature) -> str:
    if feature.is_video:
        return f"set width and height of camera {feature.name.removeprefix(IMAGE_PREFIX)}, or {_ELSEWHERE}"
    return _ELSEWHERE
