"""The conformance kit: named checks that a driver must pass, run on its emulator.

from hilt_hooks.testing import Check, Rig, check_robot, conformance

@contextmanager
def rig() -> Iterator[Rig]:
    with Emulator() as arm:
        yield Rig(config=ArmConfig(port=arm.port), unplug=arm.unplug, mute=arm.mute, pose=arm.pose)

@conformance(check_robot(ARM, rig), exemptions={"D11": "the radio link cannot tell silence from loss"})
def test_conformance(check: Check) -> None:
    check.run()

A check that a device does not pass yet needs an exemption with a reason, and the exemption goes as soon as the check passes.
A check that could not be exercised (the emulator cannot be unplugged, say) is reported as skipped, with what was missing.
The kit moves the arm without a governor: it is for emulators, never for hardware.
"""

from hilt_hooks.testing.bench import Patience
from hilt_hooks.testing.camera_rig import CameraRig
from hilt_hooks.testing.checks import Check, NotConforming, NotExercised
from hilt_hooks.testing.decorator import conformance
from hilt_hooks.testing.input_rig import InputRig
from hilt_hooks.testing.kinds import (
    check_camera,
    check_descriptor,
    check_input,
    check_policy,
    check_processor,
    check_recorder,
    check_robot,
    check_teleoperator,
    check_viewer,
)
from hilt_hooks.testing.policy_rig import PolicyRig
from hilt_hooks.testing.processor_rig import ProcessorRig
from hilt_hooks.testing.recorder_rig import RecorderRig
from hilt_hooks.testing.rigs import Motion, Rig
from hilt_hooks.testing.viewer_rig import ViewerPatience, ViewerRig

__all__ = [
    "CameraRig",
    "Check",
    "InputRig",
    "Motion",
    "NotConforming",
    "NotExercised",
    "Patience",
    "PolicyRig",
    "ProcessorRig",
    "RecorderRig",
    "Rig",
    "ViewerPatience",
    "ViewerRig",
    "check_camera",
    "check_descriptor",
    "check_input",
    "check_policy",
    "check_processor",
    "check_recorder",
    "check_robot",
    "check_teleoperator",
    "check_viewer",
    "conformance",
]
