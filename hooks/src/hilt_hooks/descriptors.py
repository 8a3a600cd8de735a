"""Descriptors: what a plugin says about a type before anything of it is imported.

A descriptor module is light: attrs, numpy and hilt_hooks. The heavy part is named as a string, `"module:attribute"`, and
imported when the device is built.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from attrs import field, fields, frozen

from hilt_hooks.inputs import Bindings
from hilt_hooks.signals import Limits


@frozen(kw_only=True)
class Descriptor:
    """name: what `--robot.type=` takes. aliases: LeRobot's names for it. config: an attrs class; its fields are the flags.

    factory: "module:attribute", called with the built config (and what the subclass's docstring adds).
    emulator: "module:attribute" of its wire-true twin, or None. requires: distributions that the factory imports.

    Raises TypeError, naming all fields of a wrong type. Which contracts a plugin keeps to is said by its distribution,
    in what it requires of hilt-hooks.
    """

    kind: ClassVar[str]
    name: str
    summary: str
    config: type[Any]
    factory: str
    aliases: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    emulator: str | None = None
    requires: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise TypeError(f"{self.kind} {self.name!r}: {'; '.join(problems)}")


@frozen(kw_only=True)
class RobotDescriptor(Descriptor):
    """factory(config) -> Robot. limits: channel name, or "*" for all others -> what the governor allows by default.

    scanner: see TeleoperatorDescriptor.

    max_tracking_error: how far the target may run ahead of the measured pose, in the unit of the channels.
    """

    kind: ClassVar[str] = "robot"
    limits: Mapping[str, Limits] = field(factory=dict)
    max_tracking_error: float = 15.0
    scanner: str | None = None


@frozen(kw_only=True)
class TeleoperatorDescriptor(Descriptor):
    """factory(config) -> Teleoperator. limits: as for a robot, for the leader's own motion while it mirrors.

    scanner: "module:attribute", called with the path of a serial port, gives a row of text for each motor that answers there
    (bus, baud, id, model), and changes nothing; or None. Types that share a bus name the same one.
    """

    kind: ClassVar[str] = "teleoperator"
    limits: Mapping[str, Limits] = field(factory=dict)
    max_tracking_error: float = 30.0
    scanner: str | None = None


@frozen(kw_only=True)
class CameraDescriptor(Descriptor):
    """factory(config) -> Camera.

    finder: "module:attribute", called with addresses that nothing on this machine tells of (of network cameras, say), gives a
    FoundCamera for each of them that is this type's, and for each that is plugged in; or None.
    """

    kind: ClassVar[str] = "camera"
    finder: str | None = None


@frozen(kw_only=True)
class InputDescriptor(Descriptor):
    """factory(config) -> Input. scripted: plays a script; counts as a stop input only on an emulated robot."""

    kind: ClassVar[str] = "input"
    bindings: Bindings = field(factory=dict)
    scripted: bool = False


@frozen(kw_only=True)
class PolicyDescriptor(Descriptor):
    """factory(config, path) -> Policy, where path is the folder of a checkpoint whose `type` is this name.

    trainer: "module:attribute" of what `hilt train --policy.type=` runs, or None.
    """

    kind: ClassVar[str] = "policy"
    trainer: str | None = None


@frozen(kw_only=True)
class ProcessorDescriptor(Descriptor):
    """factory(config, state) -> Processor; name is LeRobot's registry name; state the tensors of its file, {} if none.

    reads, writes: the parts of a Transition that it uses and changes.
    """

    kind: ClassVar[str] = "processor"
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@frozen(kw_only=True)
class RecorderDescriptor(Descriptor):
    """factory(config) -> Recorder."""

    kind: ClassVar[str] = "recorder"


@frozen(kw_only=True)
class ViewerDescriptor(Descriptor):
    """factory(config) -> Viewer."""

    kind: ClassVar[str] = "viewer"


@frozen(kw_only=True)
class BundleDescriptor(Descriptor):
    """A lab's own set-up. factory() -> the station's configuration as a dict."""

    kind: ClassVar[str] = "bundle"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple | list) and all(map(_is_text, value))


def _maps_texts(value: object, to: type[Any] = object) -> bool:
    return isinstance(value, Mapping) and all(_is_text(key) and isinstance(each, to) for key, each in value.items())


_TEXT = (_is_text, "a str")
_TEXT_OR_NONE = (lambda value: value is None or _is_text(value), "a str or None")
_TEXTS = (_are_texts, "a tuple of str")
_SHAPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": _TEXT,
    "summary": (lambda value: isinstance(value, str), "a str"),
    "factory": _TEXT,
    "emulator": _TEXT_OR_NONE,
    "trainer": _TEXT_OR_NONE,
    "scanner": _TEXT_OR_NONE,
    "finder": _TEXT_OR_NONE,
    "aliases": _TEXTS,
    "requires": _TEXTS,
    "reads": _TEXTS,
    "writes": _TEXTS,
    "capabilities": (lambda value: isinstance(value, AbstractSet) and all(map(_is_text, value)), "a set of str"),
    "limits": (lambda value: _maps_texts(value, Limits), "a mapping from channel names to Limits"),
    "bindings": (_maps_texts, "a mapping from controls to events"),
    "max_tracking_error": (lambda value: isinstance(value, int | float) and value > 0, "a number above 0"),
}
"""What the fields of descriptors must be. A str in place of a tuple would be taken for its letters."""


def _problems(descriptor: Descriptor) -> Iterator[str]:
    for each in fields(type(descriptor)):
        fits, what = _SHAPES.get(each.name, (lambda _: True, ""))
        if not fits(value := getattr(descriptor, each.name)):
            yield f"{each.name} is {value!r:.60}, not {what}"
