"""An arm of Feetech servos with a calibration file: what a follower and a leader have in common.

It holds these rules: connecting neither drops a torqued arm nor stiffens a limp one; registers are written only where they
differ; torque comes on at the measured position; what the servos were told is read back. A motor that has let go by itself
makes the arm lost until somebody has looked.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from serial.tools import list_ports

from hilt_hooks import (
    ConfigError,
    ConnectError,
    DeviceLost,
    Floats,
    FoundMotor,
    HiltError,
    JointToCalibrate,
    Limits,
    Reading,
    SafetyStop,
    Signal,
    Vector,
)
from hilt_hooks.usb import SERIAL_PORTS, located
from hilt_motor_feetech import access, matching, setup
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.calibrating import FeetechCalibration, Subject
from hilt_motor_feetech.calibration import Calibration, CalibrationPlace
from hilt_motor_feetech.diagnosis import diagnose
from hilt_motor_feetech.grip import Grip, GripGuard
from hilt_motor_feetech.health import OVERHEATED, Health
from hilt_motor_feetech.table import MULTI_TURN_PHASE
from hilt_motor_feetech.units import Scale, Unit

_PATIENCE_NS = 500_000_000
"""How long a switch of torque, with everything that belongs to it, may take before the arm counts as lost."""
_QUICK_NS = 20_000_000
"""How long a hold waits for positions before it stops those joints that have answered."""
_OUT_OF_RANGE_STEPS = 57
"""How far (5 degrees) outside its calibrated range a limp joint may be and still be switched on: it springs to the range."""
_LOOK_NS = 250_000_000
"""Between two looks at the motors themselves, one register at a time: each is seen twice a second."""
_PUT_OFF_NS = 500_000_000
"""For how long a look waits for a tick that has time to spare; then it is taken even if it comes to nothing."""
_LOOKED_AT = ("Torque_Enable", "Present_Temperature")
_MEET_S, _MEET_EACH_S = 0.5, 0.05
"""How long the motors have, all together, to answer for the first time, and each of them at least."""
_LIMP_ONLY = frozenset({"Operating_Mode", "Phase"})
"""Registers that change what a goal means; a torqued motor would jump."""

Settings = Mapping[str, Mapping[str, int]]
"""Register -> motor -> the value it shall have while the arm is in use."""


@frozen(kw_only=True)
class ArmSpec:
    """name: for messages. motors: by joint, in order. flags: of any command that is to use this arm. joints: how each motor
    is calibrated, in the same order.

    retries: how often a cyclic position read is repeated for servos that did not answer. torque_limit: 0 to 1000 (0.1 %),
    what Torque_Limit is set to before torque comes on; None leaves it alone. grip: the motor that holds things, if one does.
    """

    name: str
    port: str
    motors: Mapping[str, Motor]
    units: Mapping[str, Unit]
    place: CalibrationPlace
    flags: str
    joints: Sequence[JointToCalibrate]
    settings: Settings = field(factory=dict)
    retries: int = 2
    torque_limit: int | None = None
    grip: Grip | None = None

    @property
    def calibrate(self) -> str:
        """The command that makes the calibration."""
        return f"hilt calibrate {self.flags}"


class FeetechArm:
    """Channels are `<joint>.pos`. Not for use from two threads at once."""

    def __init__(self, spec: ArmSpec) -> None:
        self._spec = spec
        self._bus = FeetechBus(spec.port, spec.motors)
        self._joints = tuple(spec.motors)
        self._names = tuple(f"{joint}.pos" for joint in self._joints)
        self._values = np.zeros(len(self._joints))
        self._times = np.zeros(len(self._joints), dtype=np.int64)
        self._torqued = False
        self._health = Health()
        self._guard = None if spec.grip is None else GripGuard(spec.grip)
        self._looked_at, self._look_ns = _LOOKED_AT[0], 0

    @property
    def action_signals(self) -> tuple[Signal, ...]:
        """With the calibrated range as limits, once there is a calibration file."""
        if not self.calibration_path.is_file():
            return tuple(self._signal(joint, Limits()) for joint in self._joints)
        lower, upper = self._scale.limits()
        limits = [Limits(*ends, reason=f"calibrated range, {self.calibration_path}") for ends in zip(lower, upper, strict=True)]
        return tuple(self._signal(joint, limit) for joint, limit in zip(self._joints, limits, strict=True))

    @property
    def calibration_path(self) -> Path:
        return self._spec.place.path

    @property
    def calibrated(self) -> bool:
        """Whether file and servos agree, asked of the servos. False when not connected."""
        return self._bus.is_open and not matching.disagreements(matching.kept_by(self._bus), self._calibration)

    @contextmanager
    def calibration(self) -> Iterator[FeetechCalibration]:
        """The arm, open for calibration. Raises ConnectError."""
        self.disconnect()
        self._bus.open()
        try:
            with self._connecting():
                self._meet_motors()
            subject = Subject(
                name=self._spec.name, command=self._spec.calibrate, joints=self._spec.joints, place=self._spec.place
            )
            yield FeetechCalibration(subject, self._bus)
        finally:
            self.disconnect()

    def connect(self) -> None:
        """Open the port, check every servo against the calibration file, set the registers that differ.

        Raises ConnectError with everything that is wrong.
        """
        if self._bus.is_open:
            return
        self._read_calibration()
        self._bus.open()
        try:
            with self._connecting():
                self._meet_motors()
                self._check_calibration()
                self._configure()
                self._torqued = all(self._all("Torque_Enable").values())
                self._refuse([f"{joint} is too hot, and limp: let it cool" for joint in self._overheated], "cannot be held yet")
            if self._guard is not None:
                range_ = self._calibration[self._guard.grip.motor]
                self._guard.begin(range_.range_max - range_.range_min)
        except BaseException:
            self._bus.close()
            raise

    def disconnect(self) -> None:
        """Close the port. The servos keep their torque and their last target."""
        self._bus.close()

    def read(self, deadline_ns: int) -> Reading:
        """One packet asks for all positions. The capture time is the time of asking: a value is never older than it says.

        Raises DeviceLost also for motors that have let go although nobody told them to.
        """
        asked_ns = time.monotonic_ns()
        answers = self._bus.sync_read("Present_Position", deadline_ns, self._spec.retries)
        self._health.note_errors(self._bus.errors, asked_ns)
        if self._torqued and (hot := self._overheated):
            raise DeviceLost(f"{self._who}: too hot, and limp: {', '.join(hot)}: support the arm, and let it cool")
        self._mind_the_grip(answers)
        if None not in answers.values():
            self._look_after(asked_ns, deadline_ns)
        steps = np.array([np.nan if answer is None else answer for answer in answers.values()])
        fresh = ~np.isnan(steps)
        self._values = np.where(fresh, self._scale.values(steps), self._values)
        self._times = np.where(fresh, asked_ns, self._times)
        return Reading(self._names, self._values, self._times, fresh)

    def warnings(self) -> Sequence[str]:
        """By motor: the errors it reports, and heat, as of the last readings."""
        return self._health.warnings(self._joints, time.monotonic_ns())

    def set_torque(self, on: bool) -> None:
        """Verified by read-back. Joints that come on stay where they are; those that are on already keep their target.

        Raises DeviceLost when the servos do not agree in time, SafetyStop when a limp joint is far outside its range.
        """
        until_ns = time.monotonic_ns() + _PATIENCE_NS
        if self._guard is not None:
            self._guard.switched()
        if on:
            self._stiffen(self._limp(until_ns), until_ns)
        else:
            self._agree("Torque_Enable", dict.fromkeys(self._joints, 0), until_ns)
        self._torqued = on

    def torque(self) -> bool | None:
        """A gripper that is without torque for a moment, to be spared, does not count."""
        if self._guard is not None:
            self._guard.looked_away()
        now, register = time.monotonic_ns(), self._all("Torque_Enable")
        kept = {bool(on) for joint, on in register.items() if on or not self._is_switching(joint, now)}
        return kept.pop() if len(kept) == 1 else None

    def identify(self) -> Mapping[str, str]:
        """The servos have no serial number; their homing offsets tell one arm from its twin all the same."""
        major, minor, homing = (self._all(name) for name in ("Firmware_Major_Version", "Firmware_Minor_Version", "Homing_Offset"))
        first = self._joints[0]
        found = {
            "port": self._spec.port,
            "firmware": f"{major[first]}.{minor[first]}",
            "homing_offsets": " ".join(str(offset) for offset in homing.values()),
            "calibration": str(self.calibration_path),
        }
        device = str(Path(located(self._spec.port, SERIAL_PORTS)).resolve())
        adapter = next((each for each in list_ports.comports() if each.device == device), None)
        return found if adapter is None else found | {"adapter": adapter.hwid}

    def diagnose(self) -> Sequence[Mapping[str, str]]:
        """One row a motor, connected or not. Raises ConnectError or DeviceLost only for the port itself."""
        if self._bus.is_open:
            return diagnose(self._bus)
        self._bus.open()
        try:
            return diagnose(self._bus)
        finally:
            self._bus.close()

    def motors_to_set_up(self) -> Sequence[str]:
        """From the far end of the arm: each motor is plugged in alone, then the one before it."""
        return self._joints[::-1]

    def motors_present(self) -> Sequence[str]:
        """Those that answer under their own ids. Raises ConnectError."""
        self.disconnect()
        return setup.present(self._spec.port, self._spec.motors)

    def find_motor(self, motor: str) -> FoundMotor:
        """Raises ConnectError unless exactly one motor answers, and it can be `motor`."""
        self.disconnect()
        return setup.find(self._spec.port, motor, self._spec.motors[motor], self._spec.motors)

    def set_up_motor(self, motor: str) -> None:
        """Give the only motor on the bus the id of `motor`, at 1 Mbit/s. Raises ConnectError."""
        self.disconnect()
        setup.set_up(self._spec.port, motor, self._spec.motors[motor], self._spec.motors)

    @property
    def _overheated(self) -> list[str]:
        """Motors whose last answer said that they protect themselves from heat: they are limp, whatever Torque_Enable says."""
        return [joint for joint, bits in self._bus.errors.items() if bits & OVERHEATED]

    def _mind_the_grip(self, answers: Mapping[str, int | None]) -> None:
        if self._guard is not None:
            motor = self._guard.grip.motor
            self._guard.see(answers[motor], self._bus.errors[motor], self._health.is_warm(motor))
            self._health.say(motor, self._guard.told)

    def _look_after(self, asked_ns: int, deadline_ns: int) -> None:
        """Now and then, where the positions have left time for it, ask for something else. In time for the deadline, always."""
        now = time.monotonic_ns()
        if now >= deadline_ns:
            return
        short = deadline_ns - now < 2 * (now - asked_ns)
        if now < self._look_ns + (_PUT_OFF_NS if short else 0):
            if self._guard is not None and self._guard.unproven:
                self._guard.prove(self._bus, deadline_ns)
            return
        self._look_ns = now + _LOOK_NS
        seen, register = self._looked_at, self._bus.sync_read(self._looked_at, deadline_ns, retries=0)
        self._looked_at = _LOOKED_AT[(_LOOKED_AT.index(seen) + 1) % len(_LOOKED_AT)]
        if seen == "Present_Temperature":
            self._health.note_temperatures(register)
        elif self._torqued and (
            limp := [joint for joint, on in register.items() if on == 0 and not self._is_switching(joint, now)]
        ):
            raise DeviceLost(
                f"{self._spec.name} on {self._spec.port}: no torque any more on {', '.join(limp)}: support the arm; "
                "check the power supply, and whether a motor is hot"
            )

    def _is_switching(self, joint: str, now_ns: int) -> bool:
        """Whether it is the gripper that has no torque, and for a moment only."""
        return self._guard is not None and joint == self._guard.grip.motor and self._guard.is_switching(now_ns)

    def _send(self, steps: NDArray[np.int64]) -> None:
        goals = dict(zip(self._joints, steps.tolist(), strict=True))
        if self._guard is None:
            self._bus.sync_write("Goal_Position", goals)
            return
        now, motor = time.monotonic_ns(), self._guard.grip.motor
        goals |= self._in_range({motor: self._guard.goal(goals[motor], now)})
        self._bus.sync_write("Goal_Position", goals)
        self._guard.act(self._bus, now)

    def _steps(self, command: Vector) -> NDArray[np.int64]:
        return self._scale.steps(command.in_order(self._names))

    def _hold(self) -> None:
        """Every target to the measured position, then torque on wherever it is off.

        Joints that answer are stopped before those that do not are waited for, and before anything raises.
        """
        now = time.monotonic_ns()
        until_ns = now + _PATIENCE_NS
        if self._guard is not None:
            self._guard.switched()
        answers = self._bus.sync_read("Present_Position", now + _QUICK_NS, self._spec.retries)
        present = {joint: steps for joint, steps in answers.items() if steps is not None}
        self._bus.sync_write("Goal_Position", self._in_range(present))
        if len(present) < len(answers):
            present = self._all("Present_Position", until_ns) | present
        self._agree("Goal_Position", self._in_range(present), until_ns)
        self._stiffen(self._limp(until_ns), until_ns)
        self._torqued = True

    def _stiffen(self, limp: list[str], until_ns: int) -> None:
        if self._spec.torque_limit is not None:
            self._agree("Torque_Limit", dict.fromkeys(self._joints, self._spec.torque_limit), until_ns)
        if not limp:
            return
        present = {joint: steps for joint, steps in self._all("Present_Position", until_ns).items() if joint in limp}
        goals = self._in_range(present)
        far = [joint for joint in limp if abs(goals[joint] - present[joint]) > _OUT_OF_RANGE_STEPS]
        if far:
            raise SafetyStop(
                f"{self._spec.name}: {', '.join(far)} outside the calibrated range; torque stays off. "
                f"Move the arm into its range by hand, or run: {self._spec.calibrate}"
            )
        self._agree("Goal_Position", goals, until_ns)
        self._agree("Torque_Enable", dict.fromkeys(limp, 1), until_ns)

    def _in_range(self, steps: Mapping[str, int]) -> dict[str, int]:
        return {
            joint: max(self._calibration[joint].range_min, min(self._calibration[joint].range_max, at))
            for joint, at in steps.items()
        }

    def _limp(self, until_ns: int) -> list[str]:
        return [joint for joint, on in self._all("Torque_Enable", until_ns).items() if not on]

    def _agree(self, register: str, values: Mapping[str, int], until_ns: int) -> None:
        """Write with one packet and read back, until all servos have it. Raises DeviceLost when the time is up."""
        access.agree(self._bus, register, values, until_ns, self._who)

    def _all(self, register: str, until_ns: int | None = None) -> dict[str, int]:
        """A register of all motors. Raises DeviceLost when one does not answer."""
        return access.of_all(self._bus, register, until_ns, self._who)

    @property
    def _who(self) -> str:
        return f"{self._spec.name} on {self._spec.port}"

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        try:
            yield
        except DeviceLost as error:
            raise ConnectError(f"{self._spec.name}: lost while connecting", [error]) from error

    def _meet_motors(self) -> None:
        problems = []
        ends = time.monotonic() + _MEET_S
        for joint, motor in self._spec.motors.items():
            model = self._bus.ping(joint, max(_MEET_EACH_S, ends - time.monotonic()))
            expected = self._bus.expected_model(joint)
            if model is None:
                problems.append(f"{joint} (id {motor.id}) does not answer: check its cable and the power of the arm")
            elif model != expected:
                problems.append(f"{joint} (id {motor.id}) is model {model}, not {expected} ({motor.model})")
        self._refuse(problems, f"on {self._spec.port}")
        major, minor = self._all("Firmware_Major_Version"), self._all("Firmware_Minor_Version")
        versions = {joint: f"{major[joint]}.{minor[joint]}" for joint in self._joints}
        if len(set(versions.values())) > 1:
            found = [f"{joint}: firmware {version}" for joint, version in versions.items()]
            self._refuse(found, "has motors with different firmware; update them with Feetech's FD software")

    def _check_calibration(self) -> None:
        """Raises ConnectError for motors that are not those of the file."""
        kept = matching.kept_by(self._bus)
        problems = matching.disagreements(kept, self._calibration)
        if problems and (owner := matching.owner(kept, self._spec.place)):
            told = f"the motors on {self._spec.port} are those of {owner}, not of {self.calibration_path}"
            advice = "two arms have changed ports, or the id is that of another arm: give each its own; nothing needs calibrating"
            self._refuse([told, advice], "is not the arm on its port")
        if problems and matching.uncalibrated(kept):
            problems = ["its motors are not calibrated: all are as the factory delivers them"]
        self._refuse(problems, f"does not match {self.calibration_path}; run: {self._spec.calibrate}")

    def _configure(self) -> None:
        torque = self._all("Torque_Enable")
        wanted = dict(self._spec.settings)
        wanted["Phase"] = {joint: phase & ~MULTI_TURN_PHASE for joint, phase in self._all("Phase").items()}
        for register, values in wanted.items():
            present = self._all(register)
            changes = {joint: value for joint, value in values.items() if present[joint] != value}
            stuck = [
                f"{j}: {register} is {present[j]}, not {v}" for j, v in changes.items() if register in _LIMP_ONLY and torque[j]
            ]
            self._refuse(stuck, "cannot be set up while it is torqued; support the arm, release its torque, connect again")
            for joint, value in changes.items():
                access.put(self._bus, register, joint, value)

    def _refuse(self, problems: list[str], why: str) -> None:
        if problems:
            raise ConnectError(f"{self._spec.name} {why}", [HiltError(problem) for problem in problems])

    def _read_calibration(self) -> None:
        """Afresh at every connect: the file may have been written meanwhile."""
        self.__dict__.pop("_calibration", None)
        self.__dict__.pop("_scale", None)
        try:
            _ = self._scale
        except ConfigError as error:
            raise ConnectError(f"{self._spec.name}: no usable calibration; run: {self._spec.calibrate}", [error]) from error

    @cached_property
    def _calibration(self) -> Calibration:
        return matching.usable(self.calibration_path, {joint: motor.id for joint, motor in self._spec.motors.items()})

    @cached_property
    def _scale(self) -> Scale:
        return Scale.of([(joint, self._spec.units[joint]) for joint in self._joints], self._calibration)

    def _signal(self, joint: str, limits: Limits) -> Signal:
        return Signal(f"{joint}.pos", self._spec.units[joint].label, limits=limits)

    def _measured(self) -> Floats:
        """Last known positions, (n,). Raises SafetyStop before every joint was measured once."""
        if not self._times.all():
            raise SafetyStop(f"{self._spec.name}: not every joint has been measured yet; read first")
        return self._values
