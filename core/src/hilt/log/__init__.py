"""The session's log: one MCAP file an episode, durable while it is written, readable wherever it was cut off."""

from hilt.log.reader import EpisodeLog
from hilt.log.recovery import recover, unfinished
from hilt.log.writer import EpisodeWriter

__all__ = ["EpisodeLog", "EpisodeWriter", "recover", "unfinished"]
