"""Rules that need no connection, for every kind: the descriptor, the configuration, building, capabilities."""

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pkgutil import resolve_name
from typing import Any, Protocol, get_type_hints

import attrs

from hilt_hooks.cameras import Camera
from hilt_hooks.config import METADATA, Option
from hilt_hooks.descriptors import Descriptor
from hilt_hooks.devices import CAPABILITIES, Robot, Teleoperator
from hilt_hooks.inputs import Input
from hilt_hooks.processors import Processor
from hilt_hooks.recorders import Recorder
from hilt_hooks.testing.audit import outside_events
from hilt_hooks.testing.bench import DeviceCase
from hilt_hooks.testing.checks import NotConforming, expect
from hilt_hooks.testing.protocols import implements, mismatches
from hilt_hooks.viewers import Viewer

HEAVY = (
    "av",
    "can",
    "cv2",
    "datasets",
    "evdev",
    "jax",
    "mujoco",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "pygame",
    "pynput",
    "scservo_sdk",
    "serial",
    "tensorflow",
    "torch",
    "transformers",
)
"""What nobody wants to import in order to list the installed devices."""


class Configured(Protocol):
    """What a rig of every kind has."""

    @property
    def config(self) -> Any: ...


class Installed(Protocol):
    """What is known of whatever is installed. module: what an entry point of the plugin names."""

    @property
    def descriptor(self) -> Descriptor: ...

    @property
    def module(self) -> str: ...


class Described(Installed, Protocol):
    """What a case of every kind has."""

    @property
    def make(self) -> Callable[[], AbstractContextManager[Configured]]: ...


class Buildable(Described, Protocol):
    """A case whose factory takes what its rig holds."""

    def build(self, rig: Any) -> Any: ...


_IMPORT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); __import__(sys.argv[2]); print(json.dumps(list(sys.modules)))"


def imports_light(case: Installed) -> None:
    command = [sys.executable, "-c", _IMPORT, json.dumps(sys.path), case.module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"importing {case.module} fails: {done.stderr.strip()}")
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = [name for name in HEAVY if name in loaded]
    expect(not heavy, f"importing {case.module} brings in {', '.join(heavy)}: import them in the factory's module")


def factory_imports(case: Installed) -> None:
    for path in filter(None, (case.descriptor.factory, case.descriptor.emulator)):
        expect(path.count(":") == 1, f"{path!r} is not of the form 'module:attribute'")
        try:
            found = resolve_name(path)
        except (ImportError, AttributeError) as error:
            raise NotConforming(f"{path!r} cannot be imported: {error}") from error
        expect(callable(found), f"{path!r} is not callable")
    expect(bool(case.descriptor.summary.strip()), "the descriptor has no summary")


def config_declares(case: Installed) -> None:
    config = case.descriptor.config
    expect(attrs.has(config), f"{config.__name__} is not an attrs class")
    expect(bool(get_type_hints(config)) or not attrs.fields(config), f"{config.__name__} has no typed fields")
    wrong = [problem for each in attrs.fields(config) for problem in _field_problems(each)]
    expect(not wrong, f"{config.__name__}: " + "; ".join(wrong))


def _field_problems(each: "attrs.Attribute[Any]") -> Iterator[str]:
    option = each.metadata.get(METADATA)
    if not isinstance(option, Option) or not option.help.strip():
        yield f"{each.name} has no help: declare it with hilt_hooks.option"
        return
    default = each.default
    if not isinstance(default, int | float) or isinstance(default, bool):
        return
    low = option.minimum is not None and default < option.minimum
    high = option.maximum is not None and default > option.maximum
    if low or high:
        yield f"the default of {each.name} is outside its own limits: {default:g}"


def config_round_trips(case: Described) -> None:
    with case.make() as rig:
        expect(type(rig.config) is case.descriptor.config, f"the rig's config is not a {case.descriptor.config.__name__}")
        values = {each.alias: getattr(rig.config, each.name) for each in attrs.fields(type(rig.config)) if each.init}
        again = type(rig.config)(**values)
        expect(again == rig.config, f"{again!r} differs from {rig.config!r}, whose values it was built from")
        try:
            type(rig.config)(**values, no_such_field=1)
        except TypeError:
            return
        raise NotConforming(f"{type(rig.config).__name__} accepts an unknown field")


def config_travels(case: Described) -> None:
    """What it configures is built in a process that is spawned for it."""
    with case.make() as rig:
        try:
            again = pickle.loads(pickle.dumps(rig.config))  # noqa: S301 - what was just written
        except Exception as error:
            raise NotConforming(f"the config cannot be sent to another process: {error}") from error
        expect(again == rig.config, f"{again!r} arrives in another process, not {rig.config!r}")


def building_is_quiet(case: Buildable) -> None:
    with case.make() as rig:
        _leave(case.build(rig))
        # The first device paid for what is imported late; the second shows what building itself does.
        threads = set(threading.enumerate())
        with outside_events() as seen:
            device = case.build(rig)
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        _leave(device)
    expect(not seen, f"building the device reaches outside: {', '.join(map(str, seen))}")
    expect(not started, f"building the device starts threads: {', '.join(started)}")


def _leave(device: Any) -> None:
    """Not every kind has something to disconnect."""
    if hasattr(device, "disconnect"):
        device.disconnect()


_BASES: Mapping[str, type] = {
    "robot": Robot,
    "teleoperator": Teleoperator,
    "camera": Camera,
    "input": Input,
    "processor": Processor,
    "recorder": Recorder,
    "viewer": Viewer,
}


def capabilities_hold(case: DeviceCase[Any, Any]) -> None:
    with case.bench() as bench:
        expect_as_declared(bench.device, case.descriptor, _BASES[case.descriptor.kind], CAPABILITIES)


def has_no_capabilities(case: Buildable) -> None:
    """There are none for this kind."""
    with case.make() as rig:
        expect_as_declared(case.build(rig), case.descriptor, _BASES[case.descriptor.kind], {})


def expect_as_declared(device: Any, descriptor: Descriptor, base: type, capabilities: Mapping[str, type]) -> None:
    """The device has what `base` asks for, and of `capabilities` (name -> Protocol) what its descriptor declares."""
    declared = descriptor.capabilities
    unknown = sorted(declared - capabilities.keys())
    known = ", ".join(capabilities) or f"none for a {descriptor.kind}"
    expect(not unknown, f"capabilities that do not exist: {', '.join(unknown)}; there are {known}")
    wrong = list(mismatches(device, base))
    for name, protocol in capabilities.items():
        if name in declared:
            wrong += mismatches(device, protocol)
        elif implements(device, protocol):
            wrong.append(f"{protocol.__name__} is implemented, but the descriptor does not declare {name!r}")
    expect(not wrong, "; ".join(wrong))
