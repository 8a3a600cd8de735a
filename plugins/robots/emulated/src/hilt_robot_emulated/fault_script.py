"""Scripts of faults: what goes wrong on a bench, and when, as YAML.

seed: 7                              # of what is damaged by chance; 0 without
faults:
  - {arm: robot, corrupt: 1}         # percent of all packets, both ways
  - {arm: robot, dropout: true, at: 20, for: 0.3, every: 60}   # seconds
  - {arm: robot, hot: elbow_flex, degrees: 66, at: 30}         # to the end
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from hilt.config.problems import nearest
from hilt_hooks import ConfigError
from hilt_robot_emulated.so101 import JOINTS
from hilt_robot_emulated.words import ARM_NAMES

Check = Callable[[Any], str]
"""What is wrong with a value, "" for nothing."""

_DEGREES = 75.0
"""What a hot motor has without a number: more than it bears."""


def _number(lower: float, upper: float) -> Check:
    def problem(value: Any) -> str:
        good = isinstance(value, int | float) and not isinstance(value, bool) and lower <= value <= upper
        return "" if good else f"expected a number from {lower:g} to {upper:g}"

    return problem


def _choice(*choices: Any) -> Check:
    def problem(value: Any) -> str:
        good = any(value is choice if isinstance(choice, bool) else value == choice for choice in choices)
        listed = ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in choices)
        return "" if good else f"expected {'one of ' if len(choices) > 1 else ''}{listed}{nearest(value, choices)}"

    return problem


KINDS: Mapping[str, Check] = {
    "corrupt": _number(0, 100),
    "drop": _number(0, 100),
    "delay": _number(0, 1000),
    "dropout": _choice(True),
    "dead": _choice(*JOINTS),
    "volts": _number(0, 30),
    "unplug": _choice(True),
    "overload": _choice(*JOINTS),
    "hot": _choice(*JOINTS),
}
"""What can go wrong -> the values that it takes."""

_SECONDS = _number(0.001, 100_000)
_WHEN: Mapping[str, Check] = {"at": _number(0, 100_000), "for": _SECONDS, "every": _SECONDS}
_COMMON: Mapping[str, Check] = {"arm": _choice(*ARM_NAMES), **_WHEN}
_OF_HOT: Mapping[str, Check] = {"degrees": _number(0, 150)}


@frozen
class Fault:
    """kind: see `KINDS`. at, lasts, every: seconds since the script began; every: None for once. degrees: of a hot motor."""

    arm: str
    kind: str
    value: Any
    at: float = 0.0
    lasts: float = math.inf
    every: float | None = None
    degrees: float = _DEGREES

    def active(self, seconds: float) -> bool:
        since = seconds - self.at
        if since < 0:
            return False
        return (since if self.every is None else since % self.every) < self.lasts


@frozen
class FaultScript:
    """plain: the content that it was made from, as it travels to another process."""

    seed: int
    faults: tuple[Fault, ...]
    plain: Mapping[str, Any]


def load_faults(path: Path) -> FaultScript:
    """Raises ConfigError with everything that is wrong in the file."""
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"faults {path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"faults {path}: not YAML: {error}") from None
    try:
        return make_faults(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {problem}" for problem in error.problems) from None


def make_faults(content: Any) -> FaultScript:
    """content: as in a file. Raises ConfigError with everything that is wrong."""
    problems = list(_problems(content))
    if problems:
        raise ConfigError(problems)
    return FaultScript(content.get("seed", 0), tuple(map(_fault, content["faults"])), content)


def _problems(content: Any) -> Iterator[str]:
    if not isinstance(content, dict) or not isinstance(content.get("faults"), list):
        yield "faults: expected a list, one line each, like {arm: robot, corrupt: 1}"
        return
    for key in content:
        if key not in ("seed", "faults"):
            yield f"{key}: unknown; known are seed, faults{nearest(key, ('seed', 'faults'))}"
    if type(content.get("seed", 0)) is not int:
        yield f"seed: {content['seed']!r} is not a whole number"
    for number, entry in enumerate(content["faults"]):
        yield from (f"faults[{number}]{problem}" for problem in _entry_problems(entry))


def _entry_problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f": expected fields, like {{arm: robot, corrupt: 1}}; got {entry!r}"
        return
    kinds = [key for key in entry if key in KINDS]
    yield from _field_problems(entry, _fields(kinds))
    if "arm" not in entry:
        yield f".arm: missing; one of {', '.join(ARM_NAMES)}"
    if len(kinds) != 1:
        yield f": expected one of {', '.join(KINDS)}; got {' and '.join(kinds) or 'none'}"
    yield from _timing_problems(entry)


def _fields(kinds: Sequence[str]) -> Mapping[str, Check]:
    """What an entry with these kinds may hold; any kind, while it has none."""
    more = _OF_HOT if "hot" in kinds else {}
    return {**_COMMON, **{kind: KINDS[kind] for kind in kinds or KINDS}, **more}


def _field_problems(entry: Mapping[Any, Any], known: Mapping[str, Check]) -> Iterator[str]:
    for key, value in entry.items():
        if key not in known:
            yield f".{key}: unknown; known are {', '.join(known)}{nearest(key, known)}"
        elif problem := known[key](value):
            yield f".{key}: {value!r}: {problem}"


def _timing_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    every, lasts = entry.get("every"), entry.get("for")
    if every is None or any(_WHEN[key](entry[key]) for key in ("every", "for") if key in entry):
        return
    if lasts is None:
        yield ".for: missing; what comes back every so often has to end in between"
    elif lasts >= every:
        yield f".for: {lasts:g} s is not less than every, {every:g} s"


def _fault(entry: Mapping[str, Any]) -> Fault:
    kind = next(key for key in entry if key in KINDS)
    return Fault(
        arm=entry["arm"],
        kind=kind,
        value=entry[kind],
        at=float(entry.get("at", 0.0)),
        lasts=float(entry.get("for", math.inf)),
        every=None if "every" not in entry else float(entry["every"]),
        degrees=float(entry.get("degrees", _DEGREES)),
    )


def words_of(faults: Sequence[Fault]) -> Iterator[str]:
    """A line for each, for a person to read."""
    for fault in faults:
        what = f"{fault.kind} {fault.value}" if fault.value is not True else fault.kind
        heat = f" ({fault.degrees:g} degrees C)" if fault.kind == "hot" else ""
        lasts = "" if math.isinf(fault.lasts) else f" for {fault.lasts:g} s"
        again = "" if fault.every is None else f", every {fault.every:g} s"
        yield f"{fault.arm}: {what}{heat} from {fault.at:g} s on{lasts}{again}"
