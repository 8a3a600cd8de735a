"""The configurations of `hilt setup-motors` and `hilt calibrate`."""

from typing import Literal

from attrs import frozen

from hilt.config import device
from hilt_hooks import ConfigError, Typed, option


@frozen(kw_only=True)
class SetupMotorsConfig:
    robot: Typed | None = device("robot", default=None, help="The robot whose motors are set up")
    teleop: Typed | None = device("teleoperator", default=None, help="Or the leader whose motors are set up")
    motor: str | None = option(None, help="Set up this one only; null: all, one after the other")
    yes: bool = option(False, help="Ask nothing: for scripts that set up the one --motor that is plugged in")

    def __attrs_post_init__(self) -> None:
        if (self.robot is None) == (self.teleop is None):
            raise ConfigError("give one device: --robot.type=... or --teleop.type=...")
        if self.yes and self.motor is None:
            raise ConfigError("yes: say which motor is plugged in: --motor=NAME")


@frozen(kw_only=True)
class CalibrateConfig:
    robot: Typed | None = device("robot", default=None, help="The robot to calibrate")
    teleop: Typed | None = device("teleoperator", default=None, help="The leader to calibrate; with both, they are compared")
    mode: Literal["ask", "sweep", "file", "check"] = option(
        "ask",
        help="ask: say what there is, then ask; sweep: calibrate anew; file: put the file into the motors; "
        "check: only compare leader and robot",
    )

    def __attrs_post_init__(self) -> None:
        if self.robot is None and self.teleop is None:
            raise ConfigError("give a device: --robot.type=... or --teleop.type=..., or both")
        if self.mode == "check" and (self.robot is None or self.teleop is None):
            raise ConfigError("mode: check compares two arms: give --robot.type=... and --teleop.type=...")
