"""Recorders turn the log of an episode into a dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from attrs import frozen

from hilt_hooks.signals import Floats


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


@frozen(eq=False)
class RecordedEpisode:
    """What was asked of the robot in an episode, and where it was, frame by frame.

    actions: (T, A), ordered like action_names. states: (T, S), ordered like state_names; (T, 0) where they were not kept.
    fps: frames a second. where: the dataset, for messages.
    """

    where: str
    robot_type: str
    task: str
    fps: float
    action_names: tuple[str, ...]
    actions: Floats
    state_names: tuple[str, ...]
    states: Floats


@runtime_checkable
class ReadsEpisodes(Protocol):
    """A recorder that can give back what it has recorded."""

    def read_episode(self, index: int) -> RecordedEpisode:
        """Changes nothing. Raises ConfigError where there is no such episode, or its columns have no names."""
