"""Scripts of the operator: what is done in an episode and in a reset, as YAML.

episode:              # from READY on
  - hand: align       # take the leader to where the robot is; also: hold, push, home, release
  - press: start      # a session event; `hold: 2.0` keeps the key down for so many seconds
  - wait: human       # for a phase; `limit: 30` seconds
  - hand: push
    halfway: correct  # pressed when half of the path is done
  - sleep: 1.5        # seconds
  - judge: true       # press success or failure, whichever is true of the cube
reset:                # from RESET on
  - cube: reset
  - press: next
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from hilt_hooks import ConfigError
from hilt_robot_emulated.words import EVENTS, PHASES

BUILT_IN = ("demonstrate", "intervene")
HAND_MOVES = ("align", "hold", "push", "home", "release")
_EXTRAS: Mapping[str, tuple[str, ...]] = {"press": ("hold",), "wait": ("limit",), "hand": ("halfway",)}
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "hand": HAND_MOVES,
    "press": EVENTS,
    "wait": PHASES,
    "judge": (True,),
    "cube": ("reset",),
}
_VERBS = (*_CHOICES, "sleep")


@frozen
class Step:
    """verb: hand, press, wait, sleep, judge or cube. value: what of it. extra: hold, limit or halfway, where given."""

    verb: str
    value: Any
    extra: Any = None


@frozen
class Script:
    episode: tuple[Step, ...]
    reset: tuple[Step, ...]


def load_script(script: str) -> Script:
    """script: the name of a built-in one, or the path of a YAML or JSON file. Raises ConfigError with every wrong line."""
    if script in BUILT_IN:
        text = (files("hilt_robot_emulated") / "scripts" / f"{script}.yaml").read_text()
    else:
        try:
            text = Path(script).read_text()
        except OSError as error:
            choices = ", ".join(BUILT_IN)
            raise ConfigError(f"script {script!r}: neither one of {choices} nor a readable file ({error.strerror})") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"script {script}: not YAML: {error}") from None
    if not isinstance(content, dict) or set(content) != {"episode", "reset"}:
        raise ConfigError(f"script {script}: expected two lists of steps, `episode` and `reset`")
    problems = [problem for part in ("episode", "reset") for problem in _problems(part, content[part])]
    if problems:
        raise ConfigError(f"script {script}: {problem}" for problem in problems)
    return Script(_steps(content["episode"]), _steps(content["reset"]))


def _problems(part: str, steps: Any) -> list[str]:
    if not isinstance(steps, list):
        return [f"{part}: expected a list of steps"]
    found = ((f"{part}[{number}]", _problem(step)) for number, step in enumerate(steps))
    return [f"{where}: {problem}" for where, problem in found if problem]


def _problem(step: Any) -> str:
    verb = next((name for name in _VERBS if isinstance(step, dict) and name in step), None)
    if verb is None:
        return f"expected one of {', '.join(_VERBS)}; got {step!r}"
    surplus = [key for key in step if key != verb and key not in _EXTRAS.get(verb, ())]
    if surplus:
        return f"{verb} takes {', '.join(_EXTRAS.get(verb, ())) or 'nothing'} besides; got {', '.join(map(str, surplus))}"
    if verb == "sleep":
        return "" if isinstance(step[verb], int | float) and step[verb] >= 0 else f"sleep: expected seconds, got {step[verb]!r}"
    if step[verb] not in _CHOICES[verb]:
        return f"{verb}: {step[verb]!r} is not one of {', '.join(map(str, _CHOICES[verb]))}"
    return ""


def _steps(steps: list[dict[str, Any]]) -> tuple[Step, ...]:
    parsed = []
    for step in steps:
        verb = next(name for name in _VERBS if name in step)
        parsed.append(Step(verb, step[verb], next((value for key, value in step.items() if key != verb), None)))
    return tuple(parsed)
