"""Calling hooks one implementation at a time, so that one that raises stops no other."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, cast

import pluggy
from attrs import frozen

from hilt_hooks import Lifecycle, Vector

Report = Callable[[str, str, BaseException], None]
"""(plugin, hook, what it raised)."""


@frozen
class Filter:
    """A `hilt_filter_action` of one plugin: (source, target, measured) -> target. What it raises is the caller's."""

    plugin: str
    function: Callable[[str, Vector, Vector], Vector]


def lifecycle(manager: pluggy.PluginManager, report: Report, plugin: str | None = None) -> Lifecycle:
    """The lifecycle hooks, typed as they are specified: of one plugin, or of all.

    Every implementation is called; what raises goes to `report`.
    """
    return cast(Lifecycle, _Isolated(manager, report, plugin))


def followers(manager: pluggy.PluginManager) -> tuple[str, ...]:
    """The plugins that implement a lifecycle hook."""
    hooks = [hook for hook in vars(Lifecycle) if hook.startswith("hilt_")]
    return tuple(sorted({impl.plugin_name for hook in hooks for impl in _in_order(manager, hook)}))


def filters(manager: pluggy.PluginManager) -> tuple[Filter, ...]:
    """The safety filters, in the order in which they are to be called."""
    return tuple(Filter(impl.plugin_name, _filter(impl)) for impl in _in_order(manager, "hilt_filter_action"))


class _Isolated:
    def __init__(self, manager: pluggy.PluginManager, report: Report, plugin: str | None) -> None:
        self._manager = manager
        self._report = report
        self._plugin = plugin

    def __getattr__(self, hook: str) -> Callable[..., None]:
        signature = inspect.signature(getattr(Lifecycle, hook))

        def call(*args: Any, **kwargs: Any) -> None:
            arguments = signature.bind(self, *args, **kwargs).arguments
            for impl in _in_order(self._manager, hook):
                if self._plugin not in (None, impl.plugin_name):
                    continue
                try:
                    impl.function(*(arguments[name] for name in impl.argnames))
                except (Exception, SystemExit) as error:
                    self._report(impl.plugin_name, hook, error)

        return call


def _in_order(manager: pluggy.PluginManager, hook: str) -> Iterator[pluggy.HookImpl]:
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    return reversed(caller.get_hookimpls())


def _filter(impl: pluggy.HookImpl) -> Callable[[str, Vector, Vector], Vector]:
    def call(source: str, target: Vector, measured: Vector) -> Vector:
        arguments = {"source": source, "target": target, "measured": measured}
        return cast(Vector, impl.function(*(arguments[name] for name in impl.argnames)))

    return call
