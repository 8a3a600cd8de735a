"""`--dry-run` of a session: the plan that the session would run by, for a person to read."""

import math
import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
from rich.text import Text

from hilt.cameras import build_camera, camera_columns
from hilt.cli.layout import columns, labelled
from hilt.config import CollectConfig
from hilt.config.filters import doubts
from hilt.kernel import Registry, build
from hilt.replay.recording import Recording
from hilt.rig.arms import Arms
from hilt.session.phases import Event
from hilt.session.plan import Config, Plan, make_plan, recorder_of
from hilt_hooks import Bindings, CountsEpisodes, RecorderDescriptor, Typed, ViewerDescriptor

_HEAD = ("channel", "unit", "from", "to", "per s", "per s2", "ahead", "set by")


def preview(config: Config, registry: Registry) -> str:
    """Raises what the session would raise before it starts; opens nothing and moves nothing."""
    plan = make_plan(config, registry)
    for viewer in config.viewers:
        registry.find(ViewerDescriptor, viewer.type)
    width = min(100, shutil.get_terminal_size().columns)
    facts = [labelled(label, text, width).plain for label, text in _facts(plan, config, registry)]
    return "\n".join([*facts, "", columns(_HEAD, _limits(config, registry), width).plain, ""])


def _facts(plan: Plan, config: Config, registry: Registry) -> Iterator[tuple[str, str]]:
    yield from _devices(plan, config)
    if plan.policy is not None and isinstance(config, CollectConfig):
        yield "policy", f"{plan.policy.type} from {plan.policy.path}, on {config.policy.device}, {_asked(config)}"
    if plan.replay is not None:
        yield from _under("replay", _replay(plan.replay))
    if typed := recorder_of(config):
        yield from _recorded(plan, typed, registry)
    yield from _under("filters", (*plan.filters, *doubts(config.filters, registry)))
    yield "rates", f"{plan.header.fps:g} frames and {plan.header.fps * plan.header.interpolation:g} commands a second"


def _devices(plan: Plan, config: Config) -> Iterator[tuple[str, str]]:
    yield "robot", device_words(config.robot)
    if config.teleop is not None:
        yield "leader", f"{device_words(config.teleop)}; {_leading(plan, config)}"
    yield from _under("cameras", _cameras(plan, config.robot))
    yield from _under("inputs", (f"{each.name}{_stops(each.bindings)}" for each in plan.inputs))
    yield from _under("viewers", map(device_words, config.viewers))


def device_words(typed: Typed) -> str:
    """`so101_follower (port /dev/ttyACM0, id black)`: the type, and what is not as it is by default."""
    said = ", ".join(_said(typed.config))
    return f"{typed.type} ({said})" if said else typed.type


def _said(config: Any) -> Iterator[str]:
    for each in attrs.fields(type(config)):
        value = getattr(config, each.name)
        if isinstance(value, Typed):
            yield f"{each.name} {device_words(value)}"
        elif value != each.default and isinstance(value, str | int | float):
            yield f"{each.name} {value}"


def _under(label: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """One line for each, the first with the label."""
    for number, text in enumerate(texts):
        yield " " if number else label, text


def _leading(plan: Plan, config: Config) -> str:
    if plan.leader_mirrors:
        return "follows the robot while it does not lead"
    how = {"clutch": "moves it relative to where it is", "align": "has the robot brought to it first"}
    return f"cannot follow the robot, so it {how[config.handover.passive_leader]}"


def _cameras(plan: Plan, robot: Typed) -> Iterator[str]:
    listed: Mapping[str, Typed] = getattr(robot.config, "cameras", {})
    for name, spec in plan.cameras.items():
        images = camera_columns({name: build_camera(*spec)})
        sizes = [f"{each.name.removeprefix(name).lstrip('_')} {each.width}x{each.height}".lstrip() for each in images]
        yield f"{name}: {device_words(listed[name])}, {', '.join(sizes)}"


def _stops(bindings: Bindings) -> str:
    controls = [
        control
        for control, bound in bindings.items()
        if Event.STOP in (bound.values() if isinstance(bound, Mapping) else (bound,))
    ]
    return f": stop is {' or '.join(controls)}" if controls else ""


def _asked(config: CollectConfig) -> str:
    return "while the arm moves" if config.policy.inference == "background" else "while the arm waits"


def _replay(recording: Recording) -> Iterator[str]:
    seconds = len(recording.actions) / recording.fps
    yield f"episode {recording.episode} of {recording.source.where}, {seconds:.1f} s ({recording.source.task or 'no task'})"
    yield from recording.remarks


def _recorded(plan: Plan, typed: Typed, registry: Registry) -> Iterator[tuple[str, str]]:
    wanted = plan.wanted
    yield "dataset", f"{typed.config.folder} ({typed.type}): {_there(typed, registry)}{wanted.episodes} to record"
    if plan.replay is None:
        yield "task", f"{wanted.task!r}, at most {wanted.episode_time_s:g} s an episode and {wanted.reset_time_s:g} s a reset"


def _there(typed: Typed, registry: Registry) -> str:
    """How many episodes the dataset has; nothing, where its recorder does not count them."""
    recorder = build(registry.find(RecorderDescriptor, typed.type), typed.config)
    if not isinstance(recorder, CountsEpisodes):
        return ""
    episodes = recorder.episodes()
    return f"has {episodes} episodes, " if episodes else "new, "


def _limits(config: Config, registry: Registry) -> list[list[Text]]:
    """A row for each channel. Without a number: the arm's own, which it says once it is connected."""
    arms = Arms(config, registry)
    envelope = arms.governors(1.0)[0].envelope
    units = {signal.name: signal.unit for signal in arms.robot.device.action_signals}
    numbers = zip(envelope.lower, envelope.upper, envelope.velocity, envelope.acceleration, envelope.tracking, strict=True)
    return [
        [Text(cell) for cell in (name, units[name], *map(_number, of_channel), "station" if name in config.limits else "plugin")]
        for name, of_channel in zip(envelope.names, numbers, strict=True)
    ]


def _number(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "-"
