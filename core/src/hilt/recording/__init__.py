"""The recorder: a process that turns ticks, camera frames and the session's messages into durable logs."""

from hilt.recording.catch_up import catch_up
from hilt.recording.columns import columns
from hilt.recording.setup import RecorderSetup

__all__ = ["RecorderSetup", "catch_up", "columns"]
