"""Rules that need no connection: the descriptor, the configuration, building, capabilities."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Any, get_type_hints

import attrs

from hilt_hooks.config import METADATA, Option
from hilt_hooks.descriptors import CONTRACT
from hilt_hooks.devices import CAPABILITIES, Robot, Teleoperator
from hilt_hooks.testing.audit import outside_events
from hilt_hooks.testing.checks import NotConforming, expect
from hilt_hooks.testing.protocols import implements, mismatches
from hilt_hooks.testing.rigs import Case

HEAVY = (
    "av",
    "can",
    "cv2",
    "datasets",
    "evdev",
    "mujoco",
    "pandas",
    "pyarrow",
    "pygame",
    "pynput",
    "scservo_sdk",
    "serial",
    "torch",
    "transformers",
)
"""What nobody wants to import in order to list the installed devices."""

_IMPORT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); __import__(sys.argv[2]); print(json.dumps(list(sys.modules)))"


def imports_light(case: Case) -> None:
    command = [sys.executable, "-c", _IMPORT, json.dumps(sys.path), case.module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"importing {case.module} fails: {done.stderr.strip()}")
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = [name for name in HEAVY if name in loaded]
    expect(not heavy, f"importing {case.module} brings in {', '.join(heavy)}: import them in the factory's module")


def factory_imports(case: Case) -> None:
    for path in filter(None, (case.descriptor.factory, case.descriptor.emulator)):
        expect(path.count(":") == 1, f"{path!r} is not of the form 'module:attribute'")
        try:
            found = resolve_name(path)
        except (ImportError, AttributeError) as error:
            raise NotConforming(f"{path!r} cannot be imported: {error}") from error
        expect(callable(found), f"{path!r} is not callable")
    expect(case.descriptor.contract == CONTRACT, f"made for contract {case.descriptor.contract}, this kit is for {CONTRACT}")
    expect(bool(case.descriptor.summary.strip()), "the descriptor has no summary")


def config_declares(case: Case) -> None:
    config = case.descriptor.config
    expect(attrs.has(config), f"{config.__name__} is not an attrs class")
    expect(bool(get_type_hints(config)), f"{config.__name__} has no typed fields")
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


def config_round_trips(case: Case) -> None:
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


def building_is_quiet(case: Case) -> None:
    with case.make() as rig:
        case.build(rig).disconnect()
        # The first device paid for what is imported late; the second shows what building itself does.
        threads = set(threading.enumerate())
        with outside_events() as seen:
            device = case.build(rig)
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        device.disconnect()
    expect(not seen, f"building the device reaches outside: {', '.join(seen)}")
    expect(not started, f"building the device starts threads: {', '.join(started)}")


def capabilities_hold(case: Case) -> None:
    declared = case.descriptor.capabilities
    unknown = sorted(declared - CAPABILITIES.keys())
    expect(not unknown, f"capabilities that do not exist: {', '.join(unknown)}; there are {', '.join(CAPABILITIES)}")
    with case.bench() as bench:
        base = {"robot": Robot, "teleoperator": Teleoperator}[case.descriptor.kind]
        wrong = list(mismatches(bench.device, base))
        for name, protocol in CAPABILITIES.items():
            if name in declared:
                wrong += mismatches(bench.device, protocol)
            elif implements(bench.device, protocol):
                wrong.append(f"{protocol.__name__} is implemented, but the descriptor does not declare {name!r}")
    expect(not wrong, "; ".join(wrong))
