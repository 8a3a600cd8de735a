"""Whether an object has the members of a Protocol, without running any of its properties."""

import inspect
from collections.abc import Iterator
from typing import Any, Protocol

_MISSING = object()


def members(protocol: type) -> dict[str, Any]:
    """Name -> the method or property that the Protocol asks for."""
    bases = [base for base in protocol.__mro__ if base is not Protocol and getattr(base, "_is_protocol", False)]
    return {name: value for base in reversed(bases) for name, value in vars(base).items() if not name.startswith("_")}


def implements(device: Any, protocol: type) -> bool:
    """Whether every member is there, by name."""
    return all(_static(device, name) is not _MISSING for name in members(protocol))


def mismatches(device: Any, protocol: type) -> Iterator[str]:
    """What is missing, or cannot be called as the Protocol says."""
    for name, wanted in members(protocol).items():
        found = _static(device, name)
        if found is _MISSING:
            yield f"{protocol.__name__}.{name} is missing"
        elif isinstance(wanted, property):
            if inspect.isroutine(found) or isinstance(found, staticmethod | classmethod):
                yield f"{protocol.__name__}.{name} is a method, and must be a property"
        elif isinstance(found, property) or not callable(getattr(device, name)):
            yield f"{protocol.__name__}.{name} is not a method"
        else:
            yield from _signature(f"{protocol.__name__}.{name}", wanted, getattr(device, name))


def _static(device: Any, name: str) -> Any:
    return inspect.getattr_static(device, name, _MISSING)


def _signature(what: str, wanted: Any, bound: Any) -> Iterator[str]:
    want = list(inspect.signature(wanted).parameters.values())[1:]
    have = list(inspect.signature(bound).parameters.values())
    surplus = [parameter.name for parameter in have[len(want) :] if _required(parameter)]
    if [parameter.name for parameter in want] != [parameter.name for parameter in have[: len(want)]] or surplus:
        yield f"{what}{inspect.signature(bound)} cannot be called as {what}({', '.join(map(str, want))})"


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
