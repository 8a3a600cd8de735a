"""Whose failure it is, where the plugins of a kind are asked one after the other."""

from hilt.kernel.registry import Registry
from hilt_hooks import Descriptor, HiltError


def blame(descriptor: Descriptor, error: Exception, registry: Registry) -> str:
    """What is to be said of an error: its own words, and if no contract foresees it, its type and the plugin that raised it."""
    if isinstance(error, HiltError | TimeoutError):
        return str(error)
    plugin = next(row.name for row in registry.rows() if descriptor in registry.provided_by(row))
    return f"{descriptor.kind} {descriptor.name} ({plugin}): {type(error).__name__}: {error}"
