"""The kernel: finds plugins, says what they provide, and builds what a configuration names."""

from hilt.kernel.build import build, load
from hilt.kernel.calls import Filter
from hilt.kernel.registry import Registry
from hilt.kernel.rows import PluginRow, State

__all__ = ["Filter", "PluginRow", "Registry", "State", "build", "load"]
