"""Making a checkpoint. Replace this by your training: `PolicyDescriptor.trainer` is what `hilt train` runs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hilt.checkpoint import Metadata, Parts, write_checkpoint


def save(output: str | Path, pose: Mapping[str, float], *, chunk_size: int = 30, max_step: float = 1.0) -> Path:
    """Write a checkpoint that moves to `pose` (channel -> target) and return its folder.

    max_step: the longest way in one action, in the channels' units. Raises ConfigError if `output` has a checkpoint.
    """
    names, size = tuple(pose), len(pose)
    parts = Parts(
        config={
            "type": "{{ cookiecutter.__type }}",
            "chunk_size": chunk_size,
            "max_step": max_step,
            "input_features": {"observation.state": {"type": "STATE", "shape": [size]}},
            "output_features": {"action": {"type": "ACTION", "shape": [size]}},
        },
        weights={"pose": np.array([*pose.values()], dtype=np.float32)},
        pipelines=(),
        metadata=Metadata(state=names, actions=names),
    )
    return write_checkpoint(Path(output), parts, step=1, steps=1)
