"""Rules for what moves: writing and holding of robots, mirroring of teleoperators."""

from collections.abc import Callable, Iterator

import numpy as np

from hilt_hooks.errors import HiltError
from hilt_hooks.signals import Vector
from hilt_hooks.testing.checks import NotConforming, NotExercised, expect
from hilt_hooks.testing.rigs import Bench, Case


def write_reaches(case: Case) -> None:
    """Each channel goes to its own target, in whatever order the channels come."""
    with case.connected() as bench:
        bench.device.hold()
        target = bench.away()
        bench.drive(bench.device.write, Vector(target.names[::-1], target.values[::-1]))


def hold_stops(case: Case) -> None:
    with case.connected() as bench:
        bench.device.hold()
        bench.expect_at(bench.pose(), "after hold")
        target = bench.away()
        bench.device.write(target)
        bench.device.hold()
        here = bench.pose()
        if np.abs(target.values - here.values).max() <= 2 * case.motion.tolerance:
            raise NotExercised("the arm reached its target before hold: choose a larger Motion.step")
        bench.expect_at(here, "after hold of a moving arm", tolerance=case.motion.step / 4)


def write_refuses_wrong_names(case: Case) -> None:
    with case.connected() as bench:
        bench.device.hold()
        _refuses(bench, bench.device.write, _wrong_names)


def write_refuses_wrong_numbers(case: Case) -> None:
    with case.connected() as bench:
        bench.device.hold()
        _refuses(bench, bench.device.write, _wrong_numbers)


def mirror_refuses(case: Case) -> None:
    with case.connected() as bench:
        bench.device.set_torque(True)
        _refuses(bench, bench.device.mirror, _wrong_names)
        _refuses(bench, bench.device.mirror, _wrong_numbers)


Spoiled = Iterator[tuple[str, Vector]]


def _wrong_names(good: Vector) -> Spoiled:
    yield "a command without its last channel", Vector(good.names[:-1], good.values[:-1])
    yield "a command with a surplus channel", Vector((*good.names, "no_such.channel"), [*good.values, 0.0])
    yield "a command with an unknown name", Vector((*good.names[:-1], "no_such.channel"), good.values)


def _wrong_numbers(good: Vector) -> Spoiled:
    for what in (np.nan, np.inf, -np.inf):
        values = good.values.copy()
        values[-1] = what
        yield f"a command with {what}", Vector(good.names, values)


def _refuses(bench: Bench, send: Callable[[Vector], None], spoil: Callable[[Vector], Spoiled]) -> None:
    """Every spoiled command raises, and no part of it is sent."""
    here = bench.pose()
    for what, command in spoil(bench.away()):
        try:
            send(command)
        except HiltError:
            bench.expect_at(here, f"after {what} was refused")
        except Exception as error:
            raise NotConforming(f"{what} raises {error!r}, which is no HiltError") from error
        else:
            raise NotConforming(f"{what} is accepted")


def names_fit_robot(case: Case) -> None:
    if case.robot_actions is None:
        raise NotExercised("no `robot_actions` were given")
    with case.bench() as bench:
        have, want = set(bench.action_names), set(case.robot_actions)
    missing, surplus = sorted(want - have), sorted(have - want)
    expect(not missing and not surplus, f"the robot's actions: missing {missing or 'none'}, surplus {surplus or 'none'}")


def mirror_tracks(case: Case) -> None:
    with case.connected() as bench:
        bench.device.set_torque(True)
        target = bench.away()
        bench.drive(bench.device.mirror, Vector(target.names[::-1], target.values[::-1]))
        bench.complete()


def mirror_yields(case: Case) -> None:
    """Mirroring never brings torque back: the hand that took over has the arm."""
    with case.connected() as bench:
        bench.device.set_torque(True)
        bench.device.mirror(bench.pose())
        bench.device.set_torque(False)
        here, target = bench.pose(), bench.away()
        for _ in bench.until(case.motion.watch_s):
            try:
                bench.device.mirror(target)
            except HiltError:
                break  # Refusing is as good as ignoring.
        bench.expect_at(here, "mirroring with torque off")
        expect(bench.device.torque() is False, "mirroring switched torque on again")
