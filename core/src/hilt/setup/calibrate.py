"""`hilt calibrate`: sweep each arm by hand, choose its calibration from the sweep, and see whether leader and robot agree."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from attrs import frozen
from rich.console import Console

from hilt.kernel import Registry
from hilt.setup.comparing import compare
from hilt.setup.config import CalibrateConfig
from hilt.setup.dialogue import ENTER, Dialogue, Standing, Watched, to_the_end
from hilt.setup.parts import Part, Subject, calibratable, subject
from hilt.setup.sweep import HOW, Sweep, after_enter
from hilt_hooks import Calibration, ConfigError, DeviceLost

_MEASURE_NS = 50_000_000
_GOOD, _BAD, _CARE = "green", "bold red", "bold yellow"


def calibrate(config: CalibrateConfig, registry: Registry, console: Console) -> int:
    """Exit code 1: not done to the end, or leader and robot do not agree. Raises what is wrong with the wiring."""
    given = {"robot": config.robot, "teleop": config.teleop}
    subjects = {role: subject(role, typed, registry) for role, typed in given.items() if typed is not None}
    parts = [part for each in subjects.values() for part in calibratable(each)]
    talk = Dialogue(console, "hilt calibrate")
    standing = Standing("nothing was written, and no torque was switched")
    with standing.told():
        if config.mode != "check" and not all(_One(part, talk, standing).run(config.mode) for part in parts):
            return 1
        return _compared(subjects, talk, standing)


def _compared(subjects: Mapping[str, Subject], talk: Dialogue, standing: Standing) -> int:
    if len(subjects) < 2:
        return 0
    return 0 if compare(subjects["teleop"], subjects["robot"], talk, standing) else 1


@frozen
class _One:
    """One arm."""

    _part: Part
    _talk: Dialogue
    _standing: Standing

    def run(self, mode: str) -> bool:
        """Whether the arm is calibrated afterwards."""
        path = self._part.device.calibration_path
        self._talk.say(f"\n{self._part.name}", "bold")
        with self._part.device.calibration() as calibration:
            if (owner := calibration.owner()) is not None:
                self._refuse(owner)
                return False
            differences = calibration.differences()
            self._tell(differences, path.is_file())
            match mode if mode != "ask" else self._choose(path.is_file(), differences):
                case "sweep":
                    return self._sweep(calibration)
                case "file" if not path.is_file():
                    raise ConfigError(f"mode: file: {path}: there is no such file; --mode=sweep makes it")
                case "file" if differences:
                    return self._write(calibration, calibration.restore)
                case "file":
                    return True
                case "keep":
                    return True
        return False

    def _refuse(self, owner: Path) -> None:
        """An arm that is calibrated under another name is not given this one."""
        self._talk.say(f"The motors are those of {owner}: another arm is on this port, and needs no calibration.", _BAD)
        self._talk.say(
            f"Nothing was written. If two arms have changed ports, swap the ports. If it is this arm, and {owner.stem} was"
        )
        self._talk.say(f"its old name, give the file its new one: {self._part.device.calibration_path}")

    def _tell(self, differences: Sequence[str], has_file: bool) -> None:
        path = self._part.device.calibration_path
        if not has_file:
            self._talk.say(f"It has no calibration file yet; it will be {path}")
        elif not differences:
            self._talk.say(f"It is calibrated: {path} and its motors agree.", _GOOD)
        else:
            self._talk.say(f"{path} and its motors do not agree:", _CARE)
            for line in differences:
                self._talk.say(f"  {line}")

    def _choose(self, has_file: bool, differences: Sequence[str]) -> str:
        if not has_file:
            return "sweep"
        if not differences:
            keys = {"": "keep it", "s": "calibrate anew"}
            return {"": "keep", "s": "sweep"}[self._talk.ask("", keys)]
        keys = {"f": "put the file into the motors", "s": "calibrate anew", "q": "leave it"}
        return {"f": "file", "s": "sweep", "q": "leave"}[self._talk.ask("", keys)]

    def _let_go(self, calibration: Calibration) -> None:
        """Without a word for an arm that is limp already."""
        if not calibration.torque():
            return
        self._talk.say("It is stiff, and has to go limp now: WHAT IT HOLDS UP FALLS. Hold it with a hand.", _CARE)
        self._talk.ask("", {"": "I hold it, let it go"})
        self._standing.now = f"nothing was written; {self._part.name} may be limp"
        calibration.release()
        self._standing.now = f"nothing was written; {self._part.name} is limp"

    def _sweep(self, calibration: Calibration) -> bool:
        self._let_go(calibration)
        self._talk.say("It is limp. It does not matter in which pose you begin.")
        sweep = Sweep.of(calibration.joints)
        try:
            with self._talk.watching() as screen:
                if not self._follow(calibration, sweep, screen):
                    self._talk.say(f"Given up: {self._standing.now}.")
                    return False
        except DeviceLost as error:
            raise DeviceLost(f"{error}\n{self._standing.now}") from error
        return self._write(calibration, lambda: calibration.keep(sweep.ranges))

    def _follow(self, calibration: Calibration, sweep: Sweep, screen: Watched) -> bool:
        """Measure until the person is content with it. False if they give up."""
        notes, asked = [HOW], ""
        while True:
            sweep.take(calibration.measure(time.monotonic_ns() + _MEASURE_NS))
            screen.show(partial(sweep.table, notes), sweep.version + str(notes))
            key = screen.key()
            if key == "q":
                return False
            if key != ENTER:
                continue
            notes, asked, done = after_enter(sweep, asked)
            if done:
                return True

    def _write(self, calibration: Calibration, write: Callable[[], Sequence[str]]) -> bool:
        self._let_go(calibration)
        with to_the_end():
            lines = write()
            self._standing.now = f"{self._part.name} is calibrated, and limp"
        self._talk.say("Calibrated.", _GOOD)
        for line in lines:
            self._talk.say(f"  {line}")
        return True
