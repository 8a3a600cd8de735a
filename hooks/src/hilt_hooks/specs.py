"""The hooks that a plugin may implement, as typed specifications.

from hilt_hooks import hookimpl

@hookimpl
def hilt_robots() -> list[RobotDescriptor]: ...
"""

from collections.abc import Sequence
from pathlib import Path

import pluggy

from hilt_hooks.descriptors import (
    BundleDescriptor,
    CameraDescriptor,
    InputDescriptor,
    PolicyDescriptor,
    ProcessorDescriptor,
    RecorderDescriptor,
    RobotDescriptor,
    TeleoperatorDescriptor,
    ViewerDescriptor,
)
from hilt_hooks.signals import Vector

PROJECT = "hilt"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Registration:
    """Hooks that say what a plugin provides. Called whenever plugins are discovered: return data, do nothing."""

    @hookspec
    def hilt_robots(self) -> Sequence[RobotDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_teleoperators(self) -> Sequence[TeleoperatorDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_cameras(self) -> Sequence[CameraDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_inputs(self) -> Sequence[InputDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_policies(self) -> Sequence[PolicyDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_processors(self) -> Sequence[ProcessorDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_recorders(self) -> Sequence[RecorderDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_viewers(self) -> Sequence[ViewerDescriptor]: ...  # type: ignore[empty-body]

    @hookspec
    def hilt_bundles(self) -> Sequence[BundleDescriptor]: ...  # type: ignore[empty-body]


class Lifecycle:
    """Hooks that follow a session. They run beside it: one that is slow or raises is named and delays nothing."""

    @hookspec
    def hilt_session_started(self, session: str) -> None: ...

    @hookspec
    def hilt_session_ended(self, session: str) -> None: ...

    @hookspec
    def hilt_phase_changed(self, episode: int, old: str, new: str, event: str) -> None: ...

    @hookspec
    def hilt_episode_saved(self, episode: int, log: Path, success: bool | None) -> None: ...

    @hookspec
    def hilt_episode_discarded(self, episode: int) -> None: ...

    @hookspec
    def hilt_alarm(self, message: str) -> None: ...


class Safety:
    """Hooks in the path of a command."""

    @hookspec
    def hilt_filter_action(self, source: str, target: Vector, measured: Vector) -> Vector:  # type: ignore[empty-body]
        """Change a target before the governor limits it, or raise SafetyStop to refuse it. Has 2 ms."""


class Hooks(Registration, Lifecycle, Safety):
    """Everything a plugin can implement."""
