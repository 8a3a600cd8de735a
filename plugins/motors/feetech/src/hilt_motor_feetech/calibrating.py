"""An arm that is open for calibration: what `hilt_hooks.Calibration` asks for."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import frozen

from hilt_hooks import ConfigError, DeviceLost, JointToCalibrate, Reading
from hilt_motor_feetech import access
from hilt_motor_feetech.bus import FeetechBus
from hilt_motor_feetech.calibration import Calibration, CalibrationPlace, save_calibration, set_aside
from hilt_motor_feetech.matching import KEPT, disagreements, kept_by, owner, usable
from hilt_motor_feetech.sweep import DEGREES, Track, calibration_of_sweep, calibration_of_turning, problem_of_sweep

_UNSEEN_NS = 700_000_000
"""A hand can turn a joint by half a turn in no less; after that nobody knows which way it went."""
_PATIENCE_NS = 500_000_000
_RETRIES = 2


@frozen(kw_only=True)
class Subject:
    """What is calibrated. name: of the arm, for messages. command: that calibrates it. joints: one for each motor."""

    name: str
    command: str
    joints: Sequence[JointToCalibrate]
    place: CalibrationPlace


class FeetechCalibration:
    """On a bus that is open. A sweep reads positions and writes nothing."""

    def __init__(self, subject: Subject, bus: FeetechBus) -> None:
        self._subject, self._bus = subject, bus
        self._names = tuple(joint.name for joint in subject.joints)
        self._tracks: dict[str, Track] = {}
        self._started: dict[str, int] = {}

    @property
    def joints(self) -> Sequence[JointToCalibrate]:
        return self._subject.joints

    def torque(self) -> bool:
        return any(access.of_all(self._bus, "Torque_Enable").values())

    def release(self) -> None:
        """Raises DeviceLost."""
        access.agree(self._bus, "Torque_Enable", dict.fromkeys(self._names, 0), time.monotonic_ns() + _PATIENCE_NS)

    def differences(self) -> Sequence[str]:
        """One line each. Raises DeviceLost."""
        try:
            return disagreements(kept_by(self._bus), self._file())
        except ConfigError as error:
            return error.problems

    def owner(self) -> Path | None:
        """Raises DeviceLost."""
        kept, saved = kept_by(self._bus), self._saved()
        if saved is not None and not disagreements(kept, saved):
            return None
        return owner(kept, self._subject.place)

    def measure(self, deadline_ns: int) -> Reading:
        """Degrees from where each joint was seen first. Raises DeviceLost for one that was not seen for too long."""
        asked_ns = time.monotonic_ns()
        answers = self._bus.sync_read("Present_Position", deadline_ns, _RETRIES)
        for joint, reported in answers.items():
            if reported is not None:
                self._follow(joint, reported, asked_ns)
        unseen = [name for name, track in self._tracks.items() if asked_ns - track.seen_ns > _UNSEEN_NS]
        if unseen:
            raise DeviceLost(f"{self._subject.name}: no answer from {', '.join(unseen)}; check the cable and the power")
        tracks = [self._tracks.get(name, Track.begun(0, 0)) for name in self._names]
        return Reading(
            self._names,
            np.array([track.at * DEGREES for track in tracks]),
            np.array([track.seen_ns for track in tracks], dtype=np.int64),
            np.array([answers[name] is not None for name in self._names]),
        )

    def keep(self, ranges: Mapping[str, tuple[float, float]]) -> Sequence[str]:
        """Raises ConfigError before anything is changed; DeviceLost when the file is new and the motors are not, or in part."""
        self._need_limp()
        calibration = self._chosen(ranges)
        path, old = self._subject.place.path, None
        if self._saved() != calibration:
            old = set_aside(path)
            save_calibration(path, calibration)
        kept = [f"file: {path}"] + ([f"the old file: {old}"] if old else [])
        return [*kept, *self._write(calibration)]

    def restore(self) -> Sequence[str]:
        """Raises ConfigError for a file that does not fit, DeviceLost for motors that do not take it."""
        self._need_limp()
        return self._write(self._file())

    def _follow(self, joint: str, reported: int, now_ns: int) -> None:
        if joint in self._tracks:
            track = self._tracks[joint]
            if now_ns - track.seen_ns <= _UNSEEN_NS:
                track.follow(reported, now_ns)
            return
        self._tracks[joint] = Track.begun(reported, now_ns)
        self._started[joint] = reported + self._bus.read("Homing_Offset", joint)

    def _chosen(self, ranges: Mapping[str, tuple[float, float]]) -> Calibration:
        swept = {joint.name for joint in self.joints if not joint.turns}
        if ranges.keys() != swept:
            raise ConfigError(f"{self._subject.name}: ranges of {', '.join(sorted(ranges))}, not of {', '.join(sorted(swept))}")
        steps = {joint: (round(low / DEGREES), round(high / DEGREES)) for joint, (low, high) in ranges.items()}
        problems = [text for joint, ends in steps.items() if (text := problem_of_sweep(joint, *ends))]
        problems += [f"{joint}: was not measured" for joint in swept if joint not in self._started]
        if problems:
            raise ConfigError(problems)
        present, homing = (access.of_all(self._bus, name) for name in ("Present_Position", "Homing_Offset"))
        return {
            joint.name: calibration_of_turning(self._id(joint.name), present[joint.name] + homing[joint.name])
            if joint.turns
            else calibration_of_sweep(self._id(joint.name), self._started[joint.name], *steps[joint.name])
            for joint in self.joints
        }

    def _write(self, calibration: Calibration) -> Sequence[str]:
        """Registers that differ, then what all motors say. The file is there already: whatever happens, it can be gone on."""
        written: set[str] = set()
        try:
            present = kept_by(self._bus)
            for joint in self._names:
                for register, of in KEPT.items():
                    if present[register][joint] != of(calibration[joint]):
                        access.put(self._bus, register, joint, of(calibration[joint]))
                        written.add(joint)
            wrong = disagreements(kept_by(self._bus), calibration)
        except DeviceLost as error:
            raise self._half_done(str(error)) from error
        if wrong:
            raise self._half_done("; ".join(wrong))
        new = f"written to {', '.join(name for name in self._names if name in written)}" if written else "were right already"
        return [f"motors: {new}; all {len(self._names)} read back and compared"]

    def _half_done(self, why: str) -> DeviceLost:
        return DeviceLost(
            f"{self._subject.name}: {why}\nthe calibration file is complete, the motors do not have all of it yet; nothing is "
            f"lost: run it again, and have the file put into the motors: {self._subject.command}"
        )

    def _need_limp(self) -> None:
        if self.torque():
            raise ConfigError(
                f"{self._subject.name}: torque is on; with another calibration, the arm would jump. Release it first"
            )

    def _saved(self) -> Calibration | None:
        try:
            return self._file()
        except ConfigError:
            return None

    def _file(self) -> Calibration:
        return usable(self._subject.place.path, {name: self._id(name) for name in self._names})

    def _id(self, joint: str) -> int:
        return self._bus.motors[joint].id
