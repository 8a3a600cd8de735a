"""`hilt setup-motors`: one motor after the other gets its identity, and none before it is certain which one it is."""

from collections.abc import Sequence
from typing import cast

from attrs import define, field
from rich.console import Console

from hilt.config.problems import nearest
from hilt.kernel import Registry
from hilt.setup.config import SetupMotorsConfig
from hilt.setup.dialogue import Dialogue, Standing, to_the_end
from hilt.setup.parts import Subject, subject
from hilt_hooks import CapabilityMissing, ConfigError, ConnectError, FoundMotor, SetsUpMotors, Typed

_STYLE_BAD = "bold red"
_STYLE_GOOD = "green"


def setup_motors(config: SetupMotorsConfig, registry: Registry, console: Console) -> int:
    """Raises what is wrong with command line or wiring."""
    role = "robot" if config.robot is not None else "teleop"
    of = subject(role, cast(Typed, config.robot or config.teleop), registry)
    if not isinstance(of.device, SetsUpMotors):
        raise CapabilityMissing(f"{of.typed.type} has no motors that hilt can set up")
    if config.motor is not None:
        _check_name(config.motor, of.device.motors_to_set_up())
    if config.yes:
        return _without_asking(of.device, str(config.motor), console)
    return _Round(of, of.device, Dialogue(console, "hilt setup-motors")).run(config.motor)


def _check_name(motor: str, motors: Sequence[str]) -> None:
    if motor not in motors:
        raise ConfigError(f"motor: there is no '{motor}'{nearest(motor, motors)}; there are {', '.join(motors)}")


def _without_asking(device: SetsUpMotors, motor: str, console: Console) -> int:
    """For scripts: what would have to be asked about is refused."""
    found = device.find_motor(motor)
    if found.ready:
        console.print(f"{motor}: {found.description}: set up already, nothing written", markup=False, highlight=False)
        return 0
    if found.resembles:
        raise ConnectError(f"{motor}: the motor that is plugged in is set up as {found.resembles}; without --yes, hilt asks")
    with to_the_end():
        device.set_up_motor(motor)
    console.print(f"{motor}: was {found.description}; set up, and read back", markup=False, highlight=False)
    return 0


@define
class _Round:
    """All motors of a device in turn. done: those that were set up, or found so, in this run, with their firmware."""

    _of: Subject
    _device: SetsUpMotors
    _talk: Dialogue
    _done: dict[str, str] = field(factory=dict)
    _standing: Standing = field(factory=lambda: Standing("no motor was changed"))

    def run(self, only: str | None) -> int:
        with self._standing.told():
            motors = [only] if only else list(self._device.motors_to_set_up())
            present = [] if only else list(self._device.motors_present())
            self._talk.say(f"Motors of {self._of.name}, in this order: {', '.join(motors)}", "bold")
            if len(present) == len(motors):
                self._talk.say("All of them answer as what they are: they are set up. Nothing was written.", _STYLE_GOOD)
                return self._next()
            for number, motor in enumerate(motors, start=1):
                self._talk.say(f"\n{number} of {len(motors)}: {motor}", "bold")
                if len(present) > 1 and motor in present:
                    self._talk.say("  answers as what it is already: nothing to do")
                elif not self._one(motor):
                    return 1
            return 0 if only else self._all_together()

    def _one(self, motor: str) -> bool:
        """False, if the person wants to stop."""
        self._talk.say(f"  Plug in the motor of {motor} alone, and switch its power on.")
        while True:
            chosen = self._talk.ask("", {"": "look at it", "s": "skip it", "q": "stop here"})
            if chosen:
                self._talk.say(f"  {self._standing.now}" if chosen == "q" else "  skipped")
                return chosen == "s"
            try:
                if self._look_and_set_up(motor):
                    return True
            except ConnectError as error:
                self._talk.say(f"  {error}", _STYLE_BAD)

    def _look_and_set_up(self, motor: str) -> bool:
        found = self._device.find_motor(motor)
        self._talk.say(f"  found: {found.description}")
        if found.ready:
            self._note(motor, found)
            self._talk.say(f"  {motor} is set up already: nothing written", _STYLE_GOOD)
            return True
        if not self._is_certain(motor, found):
            return False
        with to_the_end():
            self._device.set_up_motor(motor)
            self._note(motor, found)
        self._talk.say(f"  {motor} is set up, and was read back", _STYLE_GOOD)
        return True

    def _is_certain(self, motor: str, found: FoundMotor) -> bool:
        """A motor with an identity is most often one that was left plugged in."""
        if found.resembles in self._done:
            self._talk.say(f"  This is {found.resembles}, done before: unplug it, and plug in the motor of {motor}.", _STYLE_BAD)
            return False
        if not found.resembles:
            return True
        question = f"  This motor is set up as {found.resembles}. Is it to become {motor}?"
        return self._talk.ask(question, {"": "no, leave it", "y": "yes, make it so"}) == "y"

    def _note(self, motor: str, found: FoundMotor) -> None:
        others = {version for version in self._done.values() if version != found.firmware}
        self._done[motor] = found.firmware
        self._standing.now = f"set up and kept: {', '.join(self._done)}; run the same command again to go on"
        if others:
            self._talk.say(
                f"  Its firmware is {found.firmware}, others have {', '.join(sorted(others))}: bring all to the same version "
                "with the maker's software, or the arm will not connect.",
                "bold yellow",
            )

    def _all_together(self) -> int:
        self._talk.say("\nNow chain all motors, as they are in the arm, the first one to the adapter.", "bold")
        while True:
            if self._talk.ask("", {"": "check them together", "q": "leave that"}) == "q":
                return 0
            motors = self._device.motors_to_set_up()
            present = self._device.motors_present()
            if not (missing := [motor for motor in reversed(motors) if motor not in present]):
                self._talk.say(f"  All {len(motors)} answer.", _STYLE_GOOD)
                return self._next()
            self._talk.say(f"  No answer from {', '.join(missing)}. {_likely(missing, motors)}", _STYLE_BAD)

    def _next(self) -> int:
        self._talk.say("\nNext:")
        self._talk.command(f"hilt calibrate {self._of.flags}")
        return 0


def _likely(missing: Sequence[str], motors: Sequence[str]) -> str:
    """Why motors are silent that each answered alone. motors: from the far end of the chain."""
    chain = list(reversed(motors))  # of a pair, one arm after the other
    if len(missing) == len(chain):
        return "Check the power of the arm, and the cable to the adapter."
    if list(missing) == chain[-len(missing) :]:
        return f"Check the cable that leads to {missing[0]}."
    return "Check their plugs; or two motors have the same id: set these up again, each alone."
