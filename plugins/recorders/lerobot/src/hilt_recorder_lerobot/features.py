"""Features: the columns of a dataset, as `meta/info.json` lists them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from attrs import evolve, frozen

from hilt.ipc.messages import CameraColumn, Column

IMAGE_PREFIX = "observation.images."
IMAGE_NAMES = ("height", "width", "channels")
DTYPES = ("float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@frozen
class Feature:
    """shape: () never occurs, a scalar has (1,). names: of the components. extra: what else info.json says about it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    names: Any = None
    extra: Mapping[str, Any] = {}

    @property
    def is_video(self) -> bool:
        return self.dtype == "video"

    @property
    def is_visual(self) -> bool:
        return self.dtype in ("video", "image")

    @property
    def is_numeric(self) -> bool:
        return self.dtype in DTYPES

    def to_json(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "shape": list(self.shape), "names": self.names, **self.extra}

    @classmethod
    def from_json(cls, name: str, entry: Mapping[str, Any]) -> "Feature":
        extra = {key: value for key, value in entry.items() if key not in ("dtype", "shape", "names")}
        return cls(name, entry["dtype"], tuple(entry["shape"]), entry.get("names"), extra)


DEFAULTS = (
    Feature("timestamp", "float32", (1,)),
    Feature("frame_index", "int64", (1,)),
    Feature("episode_index", "int64", (1,)),
    Feature("index", "int64", (1,)),
    Feature("task_index", "int64", (1,)),
)
"""Columns that every dataset has and no recorder is given."""

_FIRST = ("action", "observation.state")


def image_feature(camera: CameraColumn) -> Feature:
    shape = (camera.height, camera.width, camera.channels)
    return Feature(IMAGE_PREFIX + camera.name, "video", shape, list(IMAGE_NAMES))


def declared(columns: Sequence[Column], cameras: Sequence[CameraColumn]) -> list[Feature]:
    """The features of a new dataset: action, state, images, the other columns as declared, the defaults."""
    numeric = {column.name: Feature(column.name, column.dtype, tuple(column.shape), column.names) for column in columns}
    first = [numeric.pop(name) for name in _FIRST if name in numeric]
    return [*first, *map(image_feature, cameras), *numeric.values(), *DEFAULTS]


def with_video_info(features: Iterable[Feature], info: Mapping[str, Mapping[str, Any]]) -> list[Feature]:
    """Add what is known of each video once the first one is written. info: feature name -> its `info` block."""
    return [evolve(f, extra={**f.extra, "info": dict(info[f.name])}) if f.name in info else f for f in features]


def read_features(info: Mapping[str, Any]) -> list[Feature]:
    return [Feature.from_json(name, entry) for name, entry in info["features"].items()]


def _arrow_type(feature: Feature) -> pa.DataType:
    value = pa.from_numpy_dtype(np.dtype(feature.dtype))
    return value if feature.shape == (1,) else pa.list_(value, feature.shape[0])


def _hub_type(feature: Feature) -> dict[str, Any]:
    value = {"dtype": feature.dtype, "_type": "Value"}
    return value if feature.shape == (1,) else {"feature": value, "length": feature.shape[0], "_type": "List"}


def arrow_schema(features: Iterable[Feature]) -> pa.Schema:
    """Schema of the data files, with the key `huggingface` that the library `datasets` reads its types from."""
    stored = [feature for feature in features if not feature.is_video]
    info = {"features": {feature.name: _hub_type(feature) for feature in stored}}
    fingerprint = hashlib.sha256(json.dumps(info).encode()).hexdigest()[:16]
    metadata = {"huggingface": json.dumps({"info": info, "fingerprint": fingerprint})}
    return pa.schema([pa.field(feature.name, _arrow_type(feature)) for feature in stored], metadata=metadata)
