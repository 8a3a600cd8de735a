"""From a descriptor to the thing itself: the only place where a plugin's heavy part is imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from hilt.kernel.discovery import unmet
from hilt_hooks import Descriptor, DriverMissing, HiltError


def build(descriptor: Descriptor, *args: Any, emulator: bool = False) -> Any:
    """What `descriptor` describes: its factory, or its emulator's, called with `args`.

    Raises DriverMissing with the line to run if a package is missing.
    """
    reference = descriptor.emulator if emulator else descriptor.factory
    if reference is None:
        raise HiltError(f"{descriptor.kind} '{descriptor.name}' has no emulator")
    factory = load(descriptor, reference)
    with _imports(descriptor, reference):
        return factory(*args)


def load(descriptor: Descriptor, reference: str) -> Any:
    """The object that `reference` ("module:attribute", one of the descriptor's) names. Raises like `build`."""
    module, _, attribute = reference.partition(":")
    with _imports(descriptor, reference):
        found = import_module(module)
        try:
            for name in attribute.split("."):
                found = getattr(found, name)
        except AttributeError as error:
            raise ImportError(str(error)) from error
    return found


@contextmanager
def _imports(descriptor: Descriptor, reference: str) -> Iterator[None]:
    """Import errors, told apart: a package that is not installed, or a plugin that is broken."""
    what = f"{descriptor.kind} '{descriptor.name}'"
    try:
        yield
    except ImportError as error:
        if missing := unmet(descriptor.requires):
            raise DriverMissing(what, missing) from error
        absent = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else None
        if absent and absent != reference.partition(".")[0].partition(":")[0]:
            raise DriverMissing(what, [absent]) from error
        raise HiltError(f"{what} cannot be imported from '{reference}': {error}") from error
