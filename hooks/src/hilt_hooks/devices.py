"""Robots, teleoperators and what they may be able to do: one Protocol per verb.

Common to all devices: building one does no I/O; signals can be read before connect; `disconnect` works in every state,
twice, and after a failed connect, and **never releases torque**: an arm that was held stays held.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from hilt_hooks.calibration import Calibratable, SetsUpMotors
from hilt_hooks.signals import Floats, Reading, Signal, Vector


@runtime_checkable
class Device(Protocol):
    def connect(self) -> None:
        """Open the device. An arm that is torqued stays so, without a dip; one that is not stays limp.

        Raises ConnectError, with everything that is wrong in one message.
        """

    def disconnect(self) -> None: ...


@runtime_checkable
class Robot(Device, Protocol):
    """Something that moves. Times are `time.monotonic_ns()`."""

    @property
    def observation_signals(self) -> tuple[Signal, ...]: ...

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        """What `write` takes, with the limits that this device's configuration and calibration give."""

    def read(self, deadline_ns: int) -> Reading:
        """Measure all observation signals, and be back by `deadline_ns`. What did not answer is not fresh.

        Raises DeviceLost when the connection itself is gone.
        """

    def write(self, command: Vector) -> None:
        """Send one target for every action signal. Does not wait for the motion, nor for an answer."""

    def hold(self) -> None:
        """Stay where the arm is: torque on at the measured pose. Also how a limp arm becomes stiff, without a step."""


@runtime_checkable
class Teleoperator(Device, Protocol):
    """Something that a person moves and that tells where it is."""

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        """What `read` gives, in the units and under the names that a robot takes as its action."""

    def read(self, deadline_ns: int) -> Reading: ...


@runtime_checkable
class HasTorque(Protocol):
    def set_torque(self, on: bool) -> None:
        """Switch all motors, verified by read-back. Switching on first sets every target to the measured position.

        Raises DeviceLost when the read-back never agrees.
        """

    def torque(self) -> bool | None:
        """True if all motors are torqued, False if none is, None if only some are. Read from the device.

        Raises DeviceLost when a motor does not answer.
        """


@runtime_checkable
class Mirrors(Protocol):
    """A leader that can follow the robot, so that a takeover starts where the robot is."""

    def mirror(self, target: Vector) -> None:
        """One cyclic target, called every tick while torque is on. The device caps torque so that a hand wins easily."""


@runtime_checkable
class HasFeedback(Protocol):
    def feedback(self, effort: Vector) -> None:
        """Let the operator feel an effort, in the unit of the action signals' torque counterpart."""


@runtime_checkable
class HasCurrent(Protocol):
    def current(self, deadline_ns: int) -> Reading:
        """Motor currents in ampere, named like the action signals."""


@runtime_checkable
class HasEvents(Protocol):
    def events(self) -> Sequence[str]:
        """Session events (`takeover`, `success`, ...) since the last call. Never blocks."""


@runtime_checkable
class Warns(Protocol):
    """A device that can say, before it fails, that something is the matter with it."""

    def warnings(self) -> Sequence[str]:
        """What the operator should look at, one line each, with the part's name; as of the last `read`. Never does I/O."""


@runtime_checkable
class Identifiable(Protocol):
    def identify(self) -> Mapping[str, str]:
        """What tells this device from its twin: serial numbers, firmware, paths."""


@runtime_checkable
class Diagnosable(Protocol):
    def diagnose(self) -> Sequence[Mapping[str, str]]:
        """One row a motor: id, model, firmware, voltage, temperature, load, last error, likely cause, next command."""


@runtime_checkable
class Parks(Protocol):
    def park_target(self) -> Vector:
        """A pose in which torque may be released without a fall."""


@runtime_checkable
class Damps(Protocol):
    def damp(self) -> None:
        """Sink slowly instead of falling."""


@frozen(eq=False)
class Joint:
    """One joint of a chain. origin: (4, 4) transform in the parent's frame, m and rad. axis: (3,) unit vector."""

    name: str
    origin: Floats
    axis: Floats
    lower: float
    upper: float


@frozen
class Chain:
    """A serial arm as data. `signals` maps a joint to its channel and `scale` the channel's unit to radians."""

    joints: tuple[Joint, ...]
    tool: Floats = field(eq=False)
    signals: Mapping[str, str]
    scale: float


@runtime_checkable
class HasKinematics(Protocol):
    @property
    def chain(self) -> Chain: ...


CAPABILITIES: Mapping[str, type] = {
    "torque": HasTorque,
    "mirror": Mirrors,
    "feedback": HasFeedback,
    "current": HasCurrent,
    "events": HasEvents,
    "warn": Warns,
    "identify": Identifiable,
    "calibrate": Calibratable,
    "setup_motors": SetsUpMotors,
    "diagnose": Diagnosable,
    "park": Parks,
    "damp": Damps,
    "kinematics": HasKinematics,
}
"""Capability name, as a descriptor declares it -> the Protocol that the device then implements."""
