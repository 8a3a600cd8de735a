"""An arm of Feetech servos with a calibration file: what a follower and a leader have in common.

It holds these rules: connecting neither drops a torqued arm nor stiffens a limp one; registers are written only where they
differ; torque comes on at the measured position; what the servos were told is read back.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray
from serial.tools import list_ports

from hilt_hooks import ConfigError, ConnectError, DeviceLost, Floats, HiltError, Limits, Reading, SafetyStop, Signal, Vector
from hilt_motor_feetech.bus import FeetechBus, Motor
from hilt_motor_feetech.calibration import Calibration, CalibrationPlace, MotorCalibration, load_calibration
from hilt_motor_feetech.diagnosis import diagnose
from hilt_motor_feetech.setup import set_up
from hilt_motor_feetech.table import MULTI_TURN_PHASE, REGISTERS
from hilt_motor_feetech.units import Scale, Unit

_PATIENCE_NS = 500_000_000
"""How long a switch of torque, with everything that belongs to it, may take before the arm counts as lost."""
_ANSWER_NS = 250_000_000
_QUICK_NS = 20_000_000
"""How long a hold waits for positions before it stops those joints that have answered."""
_RETRIES = 8
_OUT_OF_RANGE_STEPS = 57
"""How far (5 degrees) outside its calibrated range a limp joint may be and still be switched on: it springs to the range."""
_LIMP_ONLY = frozenset({"Operating_Mode", "Phase"})
"""Registers that change what a goal means; a torqued motor would jump."""

_CALIBRATED: Mapping[str, Callable[[MotorCalibration], int]] = {
    "Homing_Offset": lambda motor: motor.homing_offset,
    "Min_Position_Limit": lambda motor: motor.range_min,
    "Max_Position_Limit": lambda motor: motor.range_max,
}
_FIELDS = {"Homing_Offset": "homing_offset", "Min_Position_Limit": "range_min", "Max_Position_Limit": "range_max"}

Settings = Mapping[str, Mapping[str, int]]
"""Register -> motor -> the value it shall have while the arm is in use."""


@frozen(kw_only=True)
class ArmSpec:
    """name: for messages. motors: by joint, in order. calibrate: the command that makes the calibration.

    retries: how often a cyclic position read is repeated for servos that did not answer. torque_limit: 0 to 1000 (0.1 %),
    what Torque_Limit is set to before torque comes on; None leaves it alone.
    """

    name: str
    port: str
    motors: Mapping[str, Motor]
    units: Mapping[str, Unit]
    place: CalibrationPlace
    calibrate: str
    settings: Settings = field(factory=dict)
    retries: int = 2
    torque_limit: int | None = None


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
        return self._bus.is_open and not self._disagreements()

    def connect(self) -> None:
        """Open the port, check every servo against the calibration file, set the registers that differ.

        Raises ConnectError with everything that is wrong.
        """
        if self._bus.is_open:
            return
        self._read_calibration()
        self._bus.open()
        try:
            self._meet_motors()
            self._refuse(self._disagreements(), f"does not match {self.calibration_path}; run: {self._spec.calibrate}")
            self._configure()
            self._torqued = self.torque()
        except DeviceLost as error:
            self._bus.close()
            raise ConnectError(f"{self._spec.name}: lost while connecting", [error]) from error
        except BaseException:
            self._bus.close()
            raise

    def disconnect(self) -> None:
        """Close the port. The servos keep their torque and their last target."""
        self._bus.close()

    def read(self, deadline_ns: int) -> Reading:
        """One packet asks for all positions. The capture time is the time of asking: a value is never older than it says."""
        asked_ns = time.monotonic_ns()
        answers = self._bus.sync_read("Present_Position", deadline_ns, self._spec.retries)
        steps = np.array([np.nan if answer is None else answer for answer in answers.values()])
        fresh = ~np.isnan(steps)
        self._values = np.where(fresh, self._scale.values(steps), self._values)
        self._times = np.where(fresh, asked_ns, self._times)
        return Reading(self._names, self._values, self._times, fresh)

    def set_torque(self, on: bool) -> None:
        """Verified by read-back. Joints that come on stay where they are; those that are on already keep their target.

        Raises DeviceLost when the servos do not agree in time, SafetyStop when a limp joint is far outside its range.
        """
        until_ns = time.monotonic_ns() + _PATIENCE_NS
        if on:
            self._stiffen(self._limp(until_ns), until_ns)
        else:
            self._agree("Torque_Enable", dict.fromkeys(self._joints, 0), until_ns)
        self._torqued = on

    def torque(self) -> bool:
        return any(self._all("Torque_Enable").values())

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
        device = str(Path(self._spec.port).resolve())
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

    def set_up_motor(self, motor: str) -> None:
        """Give the only motor on the bus the id of `motor`. Raises ConnectError unless exactly one answers."""
        self._bus.close()
        set_up(self._spec.port, motor, self._spec.motors[motor])

    def _send(self, steps: NDArray[np.int64]) -> None:
        self._bus.sync_write("Goal_Position", dict(zip(self._joints, steps.tolist(), strict=True)))

    def _steps(self, command: Vector) -> NDArray[np.int64]:
        return self._scale.steps(command.in_order(self._names))

    def _hold(self) -> None:
        """Every target to the measured position, then torque on wherever it is off.

        Joints that answer are stopped before those that do not are waited for, and before anything raises.
        """
        now = time.monotonic_ns()
        until_ns = now + _PATIENCE_NS
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
        while True:
            self._bus.sync_write(register, values)
            kept = self._bus.sync_read(register, until_ns, _RETRIES)
            wrong = [f"{joint} ({kept[joint]})" for joint, value in values.items() if kept[joint] != value]
            if not wrong:
                return
            if time.monotonic_ns() >= until_ns:
                raise DeviceLost(f"{self._spec.name} on {self._spec.port}: {register} not taken by {', '.join(wrong)}")

    def _all(self, register: str, until_ns: int | None = None) -> dict[str, int]:
        """A register of all motors. Raises DeviceLost when one does not answer."""
        deadline_ns = until_ns or time.monotonic_ns() + _ANSWER_NS
        answers = self._bus.sync_read(register, deadline_ns, _RETRIES)
        silent = [joint for joint, answer in answers.items() if answer is None]
        if silent:
            raise DeviceLost(f"{self._spec.name} on {self._spec.port}: no answer from {', '.join(silent)} to {register}")
        return {joint: answer for joint, answer in answers.items() if answer is not None}

    def _meet_motors(self) -> None:
        problems = []
        for joint, motor in self._spec.motors.items():
            model, expected = self._bus.ping(joint), self._bus.expected_model(joint)
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

    def _disagreements(self) -> list[str]:
        """Between file and servos, one line each."""
        problems = []
        for register, expected in _CALIBRATED.items():
            for joint, value in self._all(register).items():
                wanted = expected(self._calibration[joint])
                if value != wanted:
                    problems.append(f"{joint}.{_FIELDS[register]}: {wanted} in the file, {value} in the motor")
        return problems

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
                self._set(register, joint, value)

    def _set(self, register: str, joint: str, value: int) -> None:
        if not REGISTERS[register].eeprom:
            self._bus.write(register, joint, value)
            return
        self._bus.write("Lock", joint, 0)
        try:
            self._bus.write(register, joint, value)
        finally:
            self._bus.write("Lock", joint, 1)

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
        path = self.calibration_path
        try:
            calibration = load_calibration(path)
        except FileNotFoundError as error:
            raise ConfigError(f"{path}: there is no such file") from error
        problems = [f"{path}: {joint}: missing" for joint in self._joints if joint not in calibration]
        problems += [f"{path}: {joint}: this arm has no such motor" for joint in calibration if joint not in self._joints]
        problems += [
            f"{path}: {joint}.id: {calibration[joint].id}, but the motor has id {motor.id}"
            for joint, motor in self._spec.motors.items()
            if joint in calibration and calibration[joint].id != motor.id
        ]
        if problems:
            raise ConfigError(problems)
        return calibration

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
