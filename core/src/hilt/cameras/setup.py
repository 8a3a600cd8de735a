"""What the cameras' process is started with, and which rings it makes."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt.ipc.messages import CameraColumn
from hilt_hooks import Camera


@frozen(kw_only=True)
class CamerasSetup:
    """Data only: it travels to a spawned process. cameras: name -> (its descriptor's factory, its configuration)."""

    run_dir: Path
    cameras: Mapping[str, tuple[str, Any]]


def build(factory: str, config: Any) -> Camera:
    module, _, attribute = factory.partition(":")
    camera: Camera = getattr(import_module(module), attribute)(config)
    return camera


def stream_name(camera: str, stream: str) -> str:
    """Under which a stream is known to everybody else: `front`, and `front_depth` for the stream "depth" of `front`."""
    return f"{camera}_{stream}" if stream else camera


def columns(cameras: Mapping[str, tuple[str, Any]]) -> list[CameraColumn]:
    """One for every stream, named as its ring is. Builds the cameras, but opens none."""
    return [
        CameraColumn(
            name=stream_name(name, stream.name),
            height=stream.shape[0],
            width=stream.shape[1],
            channels=stream.shape[2],
            dtype=stream.dtype,
        )
        for name, spec in cameras.items()
        for stream in build(*spec).streams
    ]
