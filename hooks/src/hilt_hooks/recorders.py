"""Recorders turn the log of an episode into a dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Recorder(Protocol):
    """Runs beside the session, never in its way. Everything it needs is in the log."""

    def validate(self, columns: Mapping[str, Any]) -> None:
        """Check that what is about to be recorded fits what is there. Raises ConfigError, field by field; writes nothing."""

    def add(self, episode: Path) -> None:
        """Append the saved episode whose log is at `episode`. Idempotent: an episode that is in already is left alone.

        Killed at any instant and called again, it ends in the same dataset.
        """

    def remove(self, episode: Path) -> None:
        """Take back an episode (`discard_last`). Idempotent."""

    def finish(self) -> Mapping[str, Any]:
        """Make the dataset complete on disk, and say what it holds (for the summary)."""


@runtime_checkable
class CountsEpisodes(Protocol):
    """A recorder that can say how many episodes there are already. Asked before a session starts; changes nothing."""

    def episodes(self) -> int: ...
