"""The checks that the tables of rules give: one function a kind."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen

from hilt_hooks.descriptors import (
    CameraDescriptor,
    Descriptor,
    InputDescriptor,
    PolicyDescriptor,
    ProcessorDescriptor,
    RecorderDescriptor,
    RobotDescriptor,
    TeleoperatorDescriptor,
    ViewerDescriptor,
)
from hilt_hooks.testing.bench import Patience
from hilt_hooks.testing.camera_rig import CameraCase, MakeCameraRig
from hilt_hooks.testing.checks import Check, checks
from hilt_hooks.testing.input_rig import InputCase, MakeInputRig
from hilt_hooks.testing.policy_rig import MakePolicyRig, PolicyCase
from hilt_hooks.testing.processor_rig import MakeProcessorRig, ProcessorCase
from hilt_hooks.testing.recorder_rig import MakeRecorderRig, RecorderCase
from hilt_hooks.testing.rigs import Case, MakeRig, Motion
from hilt_hooks.testing.tables import DESCRIPTOR_RULES, RULES
from hilt_hooks.testing.viewer_rig import MakeViewerRig, ViewerCase, ViewerPatience


@frozen
class _Installed:
    descriptor: Descriptor
    module: str


def check_descriptor(descriptor: Descriptor, *, module: str | None = None) -> Iterator[Check]:
    """What can be checked of a descriptor of any kind without a rig: for whatever happens to be installed."""
    return checks(DESCRIPTOR_RULES, _Installed(descriptor, module or descriptor.config.__module__))


def _all(case: Callable[..., Any], descriptor: Descriptor, make: object, module: str | None, **more: object) -> Iterator[Check]:
    """The checks of the descriptor's kind. case: of that kind; more: what only this kind has."""
    made = case(descriptor=descriptor, make=make, module=module or descriptor.config.__module__, **more)
    return checks(RULES[descriptor.kind], made)


def check_robot(
    descriptor: RobotDescriptor, make: MakeRig, *, module: str | None = None, motion: Motion | None = None
) -> Iterator[Check]:
    """The checks of a robot.

    make: a context manager that gives a Rig on a fresh emulator; entered at least once a check.
    module: what the plugin's entry point names, default the module of the config class.
    motion: how far and how long, where the defaults do not suit the arm.
    """
    return _all(Case, descriptor, make, module, patience=motion or Motion())


def check_teleoperator(
    descriptor: TeleoperatorDescriptor,
    make: MakeRig,
    *,
    robot_actions: Sequence[str] | None = None,
    module: str | None = None,
    motion: Motion | None = None,
) -> Iterator[Check]:
    """The checks of a teleoperator. robot_actions: channels of a robot that it is made for. The rest as `check_robot`."""
    actions = None if robot_actions is None else tuple(robot_actions)
    return _all(Case, descriptor, make, module, patience=motion or Motion(), robot_actions=actions)


def check_policy(descriptor: PolicyDescriptor, make: MakePolicyRig, *, module: str | None = None) -> Iterator[Check]:
    """The checks of a policy. make: gives a PolicyRig, whose checkpoint may be the same each time. The rest as `check_robot`."""
    return _all(PolicyCase, descriptor, make, module)


def check_processor(descriptor: ProcessorDescriptor, make: MakeProcessorRig, *, module: str | None = None) -> Iterator[Check]:
    """The checks of a processor. make: gives a ProcessorRig. The rest as `check_robot`."""
    return _all(ProcessorCase, descriptor, make, module)


def check_recorder(descriptor: RecorderDescriptor, make: MakeRecorderRig, *, module: str | None = None) -> Iterator[Check]:
    """The checks of a recorder. make: gives a RecorderRig, each time with a folder where nothing was recorded. The rest as
    `check_robot`.
    """
    return _all(RecorderCase, descriptor, make, module)


def check_camera(
    descriptor: CameraDescriptor, make: MakeCameraRig, *, module: str | None = None, patience: Patience | None = None
) -> Iterator[Check]:
    """The checks of a camera.

    make: a context manager that gives a CameraRig; entered at least once a check. module: as `check_robot`.
    patience: how long the checks look, where the defaults do not suit the camera.
    """
    return _all(CameraCase, descriptor, make, module, patience=patience or Patience())


def check_input(
    descriptor: InputDescriptor, make: MakeInputRig, *, module: str | None = None, patience: Patience | None = None
) -> Iterator[Check]:
    """The checks of an input. make: gives an InputRig. The rest as `check_camera`."""
    return _all(InputCase, descriptor, make, module, patience=patience or Patience())


def check_viewer(
    descriptor: ViewerDescriptor, make: MakeViewerRig, *, module: str | None = None, patience: ViewerPatience | None = None
) -> Iterator[Check]:
    """The checks of a viewer. make: gives a ViewerRig, each time with a place where nothing was shown. patience: how long
    it may take; by default what a session allows. The rest as `check_robot`.
    """
    return _all(ViewerCase, descriptor, make, module, patience=patience or ViewerPatience())
