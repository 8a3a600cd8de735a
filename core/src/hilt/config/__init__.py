"""Configurations: one class is the source of files, flags, help and schema."""

from hilt.config.commands import (
    COMMANDS,
    CollectConfig,
    HandoverConfig,
    PolicyConfig,
    RecordConfig,
    ReplayConfig,
    ReplayedConfig,
    RtcConfig,
    TeleoperateConfig,
)
from hilt.config.fields import Compatibility, EpisodeOptions, device, section
from hilt.config.hints import device_kinds
from hilt.config.parse import Reading, dump, gather, parse, read, structure
from hilt.config.problems import Invalid, Problem
from hilt.config.rows import Row, describe
from hilt.config.schema import device_schema, json_schema
from hilt.config.shown import show
from hilt.config.station import LimitsConfig, Station
from hilt.config.text import read_file, write

__all__ = [
    "COMMANDS",
    "CollectConfig",
    "Compatibility",
    "EpisodeOptions",
    "HandoverConfig",
    "Invalid",
    "LimitsConfig",
    "PolicyConfig",
    "Problem",
    "Reading",
    "RecordConfig",
    "ReplayConfig",
    "ReplayedConfig",
    "Row",
    "RtcConfig",
    "Station",
    "TeleoperateConfig",
    "describe",
    "device",
    "device_kinds",
    "device_schema",
    "dump",
    "gather",
    "json_schema",
    "parse",
    "read",
    "read_file",
    "section",
    "show",
    "structure",
    "write",
]
