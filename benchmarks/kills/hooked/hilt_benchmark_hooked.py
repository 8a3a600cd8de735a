"""A plugin with a filter and a lifecycle hook that change nothing: a session that has it starts filters and observers."""

from hilt_hooks import Vector, hookimpl


@hookimpl
def hilt_filter_action(target: Vector) -> Vector:
    return target


@hookimpl
def hilt_phase_changed(new: str) -> None:
    """Nobody needs to know."""
