"""What a station says once for all commands: which devices stand there, and what they may do."""

from collections.abc import Mapping

from attrs import frozen

from hilt.config.fields import device
from hilt.config.filters import FilterName
from hilt_hooks import Typed, option

DEFAULT_INPUT = "keyboard"
"""The type of the input that a session has when its configuration names none."""


@frozen(kw_only=True)
class LimitsConfig:
    """Replaces single limits of a channel; what is null stays as the robot's plugin gives it."""

    lower: float | None = option(None, help="Lowest target, in the channel's unit")
    upper: float | None = option(None, help="Highest target, in the channel's unit")
    velocity: float | None = option(None, help="Fastest motion, in the channel's unit per second", minimum=0)
    acceleration: float | None = option(None, help="Hardest change of speed, in the channel's unit per second squared", minimum=0)


@frozen(kw_only=True)
class Station:
    robot: Typed = device("robot", help="The arm, or pair of arms, that acts")
    teleop: Typed | None = device("teleoperator", default=None, help="What the person moves: a leader arm, a gamepad")
    inputs: tuple[Typed, ...] = device(
        "input",
        default=(),
        default_type=DEFAULT_INPUT,
        help="What the operator presses, as a list; a single one also as --input.type=",
    )
    viewers: tuple[Typed, ...] = device(
        "viewer", default=(), help="What a person looks at while it runs, as a list; a single one also as --viewer.type="
    )
    limits: Mapping[str, LimitsConfig] = option({}, help="Limits by channel, in place of the robot's own")
    max_tracking_error: float | None = option(
        None,
        help="How far the target may run ahead of the measured pose; null: as the robot's plugin says",
        unit="deg",
        minimum=0.1,
    )
    filters: tuple[FilterName, ...] = option((), help="Plugins, by name, without whose safety filters the arm does not move")
