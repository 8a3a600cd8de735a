"""Where steps come from: this package, and whatever plugins are installed."""

from functools import lru_cache

from hilt.kernel import Registry
from hilt.processors.plugin import DESCRIPTORS
from hilt_hooks import ProcessorDescriptor

_OWN = {descriptor.name: descriptor for descriptor in DESCRIPTORS}


def installed(name: str) -> ProcessorDescriptor:
    """A `Find`: the steps of this package, then those of installed plugins, which are loaded only when needed.

    Raises PluginMissing with the nearest name.
    """
    return _OWN[name] if name in _OWN else _registry().find(ProcessorDescriptor, name)


@lru_cache(maxsize=1)
def _registry() -> Registry:
    return Registry.discover()
