"""What the cameras' process is started with, and which rings it makes."""

from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import frozen

from hilt.ipc.messages import CameraColumn
from hilt_hooks import Camera, ConfigError


@frozen(kw_only=True)
class CamerasSetup:
    """Data only: it travels to a spawned process. cameras: name -> (its descriptor's factory, its configuration)."""

    run_dir: Path
    cameras: Mapping[str, tuple[str, Any]]


def build_camera(factory: str, config: Any) -> Camera:
    module, _, attribute = factory.partition(":")
    camera: Camera = getattr(import_module(module), attribute)(config)
    return camera


def stream_name(camera: str, stream: str) -> str:
    """Under which a stream is known to everybody else: `front`, and `front_depth` for the stream "depth" of `front`."""
    return f"{camera}_{stream}" if stream else camera


def camera_columns(cameras: Mapping[str, Camera]) -> list[CameraColumn]:
    """One for every stream, named as its ring is. Raises ConfigError if two have the same name."""
    found = [
        CameraColumn(
            name=stream_name(name, stream.name),
            height=stream.shape[0],
            width=stream.shape[1],
            channels=stream.shape[2],
            dtype=stream.dtype,
        )
        for name, camera in cameras.items()
        for stream in camera.streams
    ]
    counts = Counter(column.name for column in found)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ConfigError(f"robot.cameras: more than one image would be called {', '.join(twice)}; give a camera another name")
    return found
