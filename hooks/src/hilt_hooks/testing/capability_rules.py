"""Rules for what a device can do beyond reading: each is for devices that declare the capability."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hilt_hooks.calibration import Calibration
from hilt_hooks.errors import ConfigError
from hilt_hooks.signals import names_of
from hilt_hooks.testing.bench import DeviceCase
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.rigs import Bench, Case

_HALF = 40.0
"""Half of a range that any joint may have, in its unit."""


def torque_switches(case: Case) -> None:
    with case.connected() as bench:
        for on in (False, True, False):
            bench.device.set_torque(on)
            expect(bench.device.torque() is on, f"torque reads back {not on} after set_torque({on})")
            bench.complete()


def torque_on_is_smooth(case: Case) -> None:
    """Motors wake up with the target that they had; here that is one step away from the arm."""
    with case.connected() as bench:
        _limp_with_far_target(bench)
        here = bench.pose()
        bench.device.set_torque(True)
        bench.expect_at(here, "after torque came on")


def torque_outlives_connection(case: Case) -> None:
    for on in (True, False):
        with case.connected() as bench:
            bench.device.set_torque(on)
            here = bench.pose()
            bench.device.disconnect()
            again = case.build(bench.rig)
            again.connect()
            try:
                expect(again.torque() is on, f"torque was {on}, and is {not on} after disconnect and connect")
                if on:
                    Bench(case, bench.rig, again).expect_at(here, "across disconnect and connect")
            finally:
                again.disconnect()


def _limp_with_far_target(bench: Bench) -> None:
    """Leave the motors without torque and with a target ahead of them, as an interrupted motion does."""
    send = bench.device.write if bench.case.descriptor.kind == "robot" else getattr(bench.device, "mirror", None)
    bench.device.set_torque(True)
    if send is None:
        bench.device.set_torque(False)
        return
    target = bench.away()
    send(target)
    bench.device.set_torque(False)
    left = np.abs(target.values - bench.pose().values)
    if left.max() <= 2 * bench.case.motion.tolerance:
        raise NotExercised("the arm reached its target before torque was off: choose a larger Motion.step")


def hold_from_limp(case: Case) -> None:
    with case.connected() as bench:
        _limp_with_far_target(bench)
        here = bench.pose()
        bench.device.hold()
        bench.expect_at(here, "after hold made the limp arm stiff")
        expect(bench.device.torque() is True, "hold left the arm limp")


def identifies(case: DeviceCase[Any, Any]) -> None:
    with case.connected() as bench:
        said = bench.device.identify()
    expect(bool(said), "identify says nothing")
    odd = [key for key, value in said.items() if not isinstance(key, str) or not isinstance(value, str)]
    expect(not odd, f"identify gives something else than text for {odd}")


def measures_current(case: Case) -> None:
    with case.connected() as bench:
        bench.complete()
        reading = bench.device.current(bench.deadline_ns())
        expect(set(reading.names) == set(bench.action_names), f"currents are named {reading.names}, not like the actions")
        expect(bool(np.isfinite(reading.values).all()), "a current is not finite")


def diagnoses(case: Case) -> None:
    with case.connected() as bench:
        rows = bench.device.diagnose()
    expect(bool(rows), "diagnose gives no rows")
    odd = [row for row in rows if not all(isinstance(key, str) and isinstance(value, str) for key, value in row.items())]
    expect(not odd, f"diagnose gives something else than text: {odd[:1]}")


def events_do_not_wait(case: Case) -> None:
    with case.connected() as bench:
        events = bench.device.events()
        expect(all(isinstance(event, str) for event in events), f"events are not all text: {events!r}")


def says_whether_calibrated(case: Case) -> None:
    with case.connected() as bench:
        expect(isinstance(bench.device.calibration_path, Path), "calibration_path is no Path")
        expect(isinstance(bench.device.calibrated, bool), "calibrated is no bool")
        agreed = bench.device.calibrated
        with bench.device.calibration() as calibration:
            said = list(calibration.differences())
        expect(all(isinstance(line, str) for line in said), f"differences are not all text: {said!r:.100}")
        expect(agreed is not bool(said), f"calibrated is {agreed}, and the differences are {said!r:.100}")


def calibration_is_kept(case: Case) -> None:
    """Nobody moves a joint here: what is kept are ranges around where the arm is."""
    with case.bench() as bench:
        _calibrate(bench)
        again = case.build(bench.rig)
        again.connect()
        try:
            expect(again.calibrated is True, "calibrated is not True after a calibration was kept")
        finally:
            again.disconnect()


def _calibrate(bench: Bench) -> None:
    with bench.device.calibration() as calibration:
        calibration.release()
        expect(calibration.torque() is False, "torque reads back True after release")
        joints = {joint.name: joint for joint in calibration.joints}
        reading = calibration.measure(bench.deadline_ns())
        expect(set(reading.names) == set(joints), f"measure names {reading.names}, not the joints {tuple(joints)}")
        expect(bool((np.abs(reading.values) < _HALF).all()), "measure does not begin at 0, where the joints are")
        swept = [name for name, joint in joints.items() if not joint.turns]
        if swept:
            _expect_refused(calibration, dict.fromkeys(swept[1:], (-_HALF, _HALF)), f"ranges without {swept[0]}")
            _expect_refused(calibration, dict.fromkeys(swept, (0.0, 0.0)), "ranges of joints that did not move")
        calibration.keep(dict.fromkeys(swept, (-_HALF, _HALF)))
        expect(list(calibration.differences()) == [], "file and device differ after a calibration was kept")
        expect(calibration.owner() is None, "a device that agrees with its own file is said to be another")


def _expect_refused(calibration: Calibration, ranges: Mapping[str, tuple[float, float]], what: str) -> None:
    try:
        calibration.keep(ranges)
    except ConfigError:
        return
    raise NotConforming(f"keep takes {what}")


def set_up_motors_are_recognised(case: Case) -> None:
    with case.bench() as bench:
        motors = list(bench.device.motors_to_set_up())
        expect(bool(motors) and len(set(motors)) == len(motors), f"motors_to_set_up gives {motors}")
        present = list(bench.device.motors_present())
        expect(set(present) == set(motors), f"present are {present}, of {motors}, on an arm that works")
        bench.device.connect()
        bench.complete()


def warnings_are_lines(case: Case) -> None:
    """They are read in every tick: a device that is gone must not be asked for them."""
    with case.connected() as bench:
        bench.complete()
        _expect_lines(bench.device.warnings())
        bench.lose()
        try:
            said = bench.device.warnings()
        except Exception as error:
            raise NotConforming(f"warnings asks the device, instead of telling what the last read saw: {error!r}") from error
        _expect_lines(said)


def _expect_lines(said: Any) -> None:
    expect(isinstance(said, Sequence) and not isinstance(said, str), f"warnings gives a {type(said).__name__}, not lines")
    odd = [line for line in said if not isinstance(line, str) or not line or "\n" in line]
    expect(not odd, f"warnings gives something else than lines of text: {odd[:1]}")


def park_target_fits(case: Case) -> None:
    with case.connected() as bench:
        target = bench.device.park_target()
        expect(set(target.names) == set(bench.action_names), f"the park target names {target.names}, not the actions")
        values = target.in_order(bench.action_names)
        inside = [s.limits.lower <= at <= s.limits.upper for s, at in zip(bench.device.action_signals, values, strict=True)]
        expect(all(inside), "the park target is outside the limits")


def chain_fits(case: Case) -> None:
    with case.bench() as bench:
        chain = bench.device.chain
        channels = names_of(bench.device.action_signals)
    joints = {joint.name for joint in chain.joints}
    expect(set(chain.signals) <= joints, f"signals for joints that the chain does not have: {set(chain.signals) - joints}")
    expect(set(chain.signals.values()) <= set(channels), "the chain maps joints to channels that do not exist")
    expect(chain.tool.shape == (4, 4), f"the tool frame has shape {chain.tool.shape}, not (4, 4)")
    for joint in chain.joints:
        expect(joint.origin.shape == (4, 4) and joint.axis.shape == (3,), f"{joint.name}: origin (4, 4) and axis (3,) expected")
        expect(bool(np.isclose(np.linalg.norm(joint.axis), 1)), f"{joint.name}: the axis is no unit vector")
        expect(joint.lower < joint.upper, f"{joint.name}: lower is not below upper")


CHECKED = frozenset(
    {"torque", "identify", "current", "diagnose", "events", "calibrate", "park", "kinematics", "mirror", "setup_motors", "warn"},
)
"""Capabilities that some rule tries out."""


def all_are_checked(case: Case) -> None:
    unchecked = sorted(case.descriptor.capabilities - CHECKED)
    if unchecked:
        raise NotExercised(f"only the signatures were checked of: {', '.join(unchecked)}")
