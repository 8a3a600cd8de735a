"""Descriptors: what a plugin says about a type before anything of it is imported.

A descriptor module is light: attrs, numpy and hilt_hooks. The heavy part is named as a string, `"module:attribute"`, and
imported when the device is built.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from hilt_hooks.inputs import Bindings
from hilt_hooks.signals import Limits

CONTRACT = 1
"""The version of the contracts in this package. A plugin made for another one is listed, not loaded."""


@frozen(kw_only=True)
class Descriptor:
    """name: what `--robot.type=` takes. aliases: LeRobot's names for it. config: an attrs class; its fields are the flags.

    factory: "module:attribute", called with the built config (and what the subclass's docstring adds).
    emulator: "module:attribute" of its wire-true twin, or None. requires: distributions that the factory imports.
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
    contract: int = CONTRACT


@frozen(kw_only=True)
class RobotDescriptor(Descriptor):
    """factory(config) -> Robot. limits: channel name, or "*" for all others -> what the governor allows by default.

    max_tracking_error: how far the target may run ahead of the measured pose, in the unit of the channels.
    """

    kind: ClassVar[str] = "robot"
    limits: Mapping[str, Limits] = field(factory=dict)
    max_tracking_error: float = 15.0


@frozen(kw_only=True)
class TeleoperatorDescriptor(Descriptor):
    """factory(config) -> Teleoperator. limits: as for a robot, for the leader's own motion while it mirrors."""

    kind: ClassVar[str] = "teleoperator"
    limits: Mapping[str, Limits] = field(factory=dict)
    max_tracking_error: float = 30.0


@frozen(kw_only=True)
class CameraDescriptor(Descriptor):
    """factory(config) -> Camera."""

    kind: ClassVar[str] = "camera"


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
