"""Configurations: one class is the source of files, flags, help and schema."""

from hilt.config.commands import (
    CollectConfig,
    HandoverConfig,
    PolicyConfig,
    RecordConfig,
    RtcConfig,
    TeleoperateConfig,
)
from hilt.config.fields import Compatibility, EpisodeOptions, device, section
from hilt.config.parse import dump, gather, parse, structure
from hilt.config.schema import Row, describe, json_schema
from hilt.config.station import LimitsConfig, Station
from hilt.config.text import read_file, write

__all__ = [
    "CollectConfig",
    "Compatibility",
    "EpisodeOptions",
    "HandoverConfig",
    "LimitsConfig",
    "PolicyConfig",
    "RecordConfig",
    "Row",
    "RtcConfig",
    "Station",
    "TeleoperateConfig",
    "describe",
    "device",
    "dump",
    "gather",
    "json_schema",
    "parse",
    "read_file",
    "section",
    "structure",
    "write",
]
