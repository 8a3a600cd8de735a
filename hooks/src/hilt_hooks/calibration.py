"""What a device offers to the commands that set up its motors and calibrate it: verbs, no dialogue.

The commands lead a person through it, and know nothing of registers and files; the device does one step when told to, and
never asks, prints or waits for anybody.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import frozen

from hilt_hooks.signals import Reading


@frozen(kw_only=True)
class FoundMotor:
    """The only motor on the bus.

    description: what a person is told of it, in a few words. ready: it is set up already. firmware: its version, "" if it has
    none. resembles: what else it is set up as, a motor of this device or of another one; "" for a new one.
    """

    description: str
    ready: bool
    firmware: str = ""
    resembles: str = ""


@runtime_checkable
class SetsUpMotors(Protocol):
    """Works while the device is not connected, and leaves it so."""

    def motors_to_set_up(self) -> Sequence[str]:
        """In the order in which they are plugged in, each alone: from the far end of the chain to the adapter."""

    def motors_present(self) -> Sequence[str]:
        """Those that answer as what they are to be. Writes nothing. Raises ConnectError."""

    def find_motor(self, motor: str) -> FoundMotor:
        """Look whether the only motor on the bus can become `motor`. Writes nothing.

        Raises ConnectError: no motor, more than one, the wrong model, the wrong supply.
        """

    def set_up_motor(self, motor: str) -> None:
        """Make the only motor on the bus `motor`, and read that back. Looks first, as `find_motor` does.

        May be interrupted at any instant, power cuts included: called again, it goes on from there. Raises ConnectError.
        """


@frozen(kw_only=True)
class JointToCalibrate:
    """about: its whole range as it is built, in `unit`, roughly; 0 if that is not known.

    turns: it goes round and round, or is treated so: its range is not swept, and where it is when the calibration is kept is
    its zero. advice: how a person finds that pose.
    """

    name: str
    unit: str = "deg"
    about: float = 0.0
    turns: bool = False
    advice: str = ""


class Calibration(Protocol):
    """A device that is open for calibration, whether or not it has one. Nothing is written before `keep` or `restore`."""

    @property
    def joints(self) -> Sequence[JointToCalibrate]: ...

    def torque(self) -> bool:
        """Whether any motor is torqued, read from the device."""

    def release(self) -> None:
        """Torque off, verified by read-back: whatever the arm holds up falls. Raises DeviceLost."""

    def differences(self) -> Sequence[str]:
        """One line for each thing that the file and the device say differently; also that there is no file, or a bad one."""

    def owner(self) -> Path | None:
        """The file of another arm, if the device is that one: it says what the device says, and this one's file does not."""

    def measure(self, deadline_ns: int) -> Reading:
        """Where the joints are, from where they were at the first call on, not wrapped; named and in units as `joints` says.

        What did not answer is not fresh. Raises DeviceLost, also when a joint may have gone unseen too far to be followed.
        """

    def keep(self, ranges: Mapping[str, tuple[float, float]]) -> Sequence[str]:
        """Choose the calibration from what was measured, put it into the file, then into the motors, and read it back.

        ranges: joint -> lowest and highest measured value, for every joint that does not turn. Registers that are right
        are not written. The old file stays beside the new one. Needs torque to be off. Raises ConfigError, before anything
        is changed, for ranges that make no sense, and DeviceLost; then the file is complete and `restore` goes on. Gives what
        was done, a line each.
        """

    def restore(self) -> Sequence[str]:
        """Put the file into the motors, where they differ, and read it back. Otherwise as `keep`."""


@runtime_checkable
class Calibratable(Protocol):
    @property
    def calibration_path(self) -> Path: ...

    @property
    def calibrated(self) -> bool:
        """Whether file and device agree. Only after connect."""

    def calibration(self) -> AbstractContextManager[Calibration]:
        """Open the device for calibration, whatever its file says; connected, it is disconnected first.

        Leaves torque as it is, in and out. Raises ConnectError.
        """
