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

from hilt_hooks.testing.checks import Check, NotConforming, NotExercised
from hilt_hooks.testing.decorator import conformance
from hilt_hooks.testing.kinds import check_robot, check_teleoperator
from hilt_hooks.testing.rigs import Motion, Rig

__all__ = [
    "Check",
    "Motion",
    "NotConforming",
    "NotExercised",
    "Rig",
    "check_robot",
    "check_teleoperator",
    "conformance",
]
