"""Checkpoints of policies in LeRobot's folder layout, with hilt's additions in `hilt.json`."""

from hilt.checkpoint.content import Checkpoint, Metadata, identify, open_checkpoint
from hilt.checkpoint.layout import CONFIG, METADATA, WEIGHTS, find_checkpoint
from hilt.checkpoint.legacy import split_legacy
from hilt.checkpoint.spec import image_sizes, policy_spec
from hilt.checkpoint.write import Parts, write_checkpoint

__all__ = [
    "CONFIG",
    "METADATA",
    "WEIGHTS",
    "Checkpoint",
    "Metadata",
    "Parts",
    "find_checkpoint",
    "identify",
    "image_sizes",
    "open_checkpoint",
    "policy_spec",
    "split_legacy",
    "write_checkpoint",
]
