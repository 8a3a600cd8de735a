"""Whether a plugin keeps to the hook specifications, before it is registered."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_type_hints

import attrs
import pluggy

from hilt.kernel.discovery import Entry, other_contracts
from hilt.kernel.rows import PluginBroken
from hilt_hooks import (
    BundleDescriptor,
    CameraDescriptor,
    Descriptor,
    Hooks,
    InputDescriptor,
    PolicyDescriptor,
    ProcessorDescriptor,
    RecorderDescriptor,
    RobotDescriptor,
    TeleoperatorDescriptor,
    ViewerDescriptor,
)

REGISTRATION: Mapping[str, type[Descriptor]] = {
    "hilt_robots": RobotDescriptor,
    "hilt_teleoperators": TeleoperatorDescriptor,
    "hilt_cameras": CameraDescriptor,
    "hilt_inputs": InputDescriptor,
    "hilt_policies": PolicyDescriptor,
    "hilt_processors": ProcessorDescriptor,
    "hilt_recorders": RecorderDescriptor,
    "hilt_viewers": ViewerDescriptor,
    "hilt_bundles": BundleDescriptor,
}
"""Registration hook -> what it returns a sequence of."""

KINDS = tuple(kind.kind for kind in REGISTRATION.values())

_SPECS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(spec).parameters)[1:] for name, spec in inspect.getmembers(Hooks, inspect.isfunction)
}
_OWN = "tell the author of the plugin"


def before_import(entry: Entry) -> None:
    """Raises PluginBroken where it makes no sense to import a plugin."""
    if entry.problem:
        raise PluginBroken(entry.problem, f"pip install --force-reinstall {entry.distribution}")
    if other := other_contracts(entry):
        raise PluginBroken(f"it is made for {', '.join(other)}", f"pip install -U {entry.distribution} hilt hilt-hooks")


def implementations(plugin: object, manager: pluggy.PluginManager) -> dict[str, Callable[..., Any]]:
    """The hook implementations of a plugin, by hook. Raises PluginBroken, naming all that do not fit their hook."""
    found: dict[str, Callable[..., Any]] = {}
    problems: list[str] = []
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        hook = options["specname"] or name
        found[hook] = getattr(plugin, name)
        if options["wrapper"] or options["hookwrapper"]:
            problems.append(f"{name} is a wrapper; hooks are called one by one, so there is nothing to wrap")
        problems += _misfits(hook, found[hook])
    if problems:
        raise PluginBroken("; ".join(problems), _OWN)
    return found


def descriptors(found: Mapping[str, Callable[..., Any]]) -> Iterator[Descriptor]:
    """What the registration hooks return, each checked. Raises PluginBroken, and whatever a hook raises."""
    for hook, kind in REGISTRATION.items():
        if hook not in found:
            continue
        returned = found[hook]()
        if not isinstance(returned, Sequence) or not all(isinstance(each, kind) for each in returned):
            raise PluginBroken(f"{hook} returned {returned!r:.80}, not a sequence of {kind.__name__}", _OWN)
        for descriptor in returned:
            _check(descriptor)
            yield descriptor


def _misfits(hook: str, function: Callable[..., Any]) -> list[str]:
    if hook not in _SPECS:
        near = get_close_matches(hook, _SPECS, n=1)
        return [f"there is no hook {hook}" + (f"; did you mean {near[0]}?" if near else "")]
    parameters = inspect.signature(function).parameters.values()
    takes = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    surplus = [name for name in takes if name not in _SPECS[hook]]
    if not surplus:
        return []
    missing = [name for name in _SPECS[hook] if name not in takes]
    return [
        f"{hook}({', '.join(takes)}) does not fit the hook {hook}({', '.join(_SPECS[hook])}): "
        f"surplus {', '.join(surplus)}; missing {', '.join(missing) or 'nothing'}"
    ]


def _check(descriptor: Descriptor) -> None:
    what = f"{descriptor.kind} '{descriptor.name}'"
    if not (isinstance(descriptor.config, type) and attrs.has(descriptor.config)):
        raise PluginBroken(f"{what}: config is {descriptor.config!r}, not an attrs class", _OWN)
    try:
        get_type_hints(descriptor.config)
    except Exception as error:  # whatever an annotation evaluates
        raise PluginBroken(f"{what}: the types of {descriptor.config.__name__}'s fields: {error}", _OWN) from error
    for reference in filter(None, (descriptor.factory, descriptor.emulator)):
        if reference.count(":") != 1:
            raise PluginBroken(f"{what}: '{reference}' is not of the form 'module:attribute'", _OWN)
