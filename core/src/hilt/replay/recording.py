"""The recorded episode that a replay follows, checked against the robot that is here."""

from collections.abc import Iterator, Mapping

import numpy as np
from attrs import frozen

from hilt.config import ReplayConfig, structure
from hilt.kernel import Registry, build
from hilt.rig.engine import APPROACH, FAR
from hilt.rig.governor import Envelope
from hilt_hooks import (
    CapabilityMissing,
    ConfigError,
    Floats,
    ReadsEpisodes,
    RecordedEpisode,
    RecorderDescriptor,
    Signal,
    names_of,
)

_MARGIN = 1.05
_SLACK = 0.5
"""How much faster (a factor) or further (in the channel's unit) than a limit a recording may be before that is worth a word."""
_SHOWN = 3


@frozen(eq=False)
class Recording:
    """actions: (T, A), one a frame of the session, ordered like `signals`, the robot's. source: what was recorded.

    remarks: what the limits will make of it.
    """

    episode: int
    source: RecordedEpisode
    signals: tuple[Signal, ...]
    actions: Floats
    remarks: tuple[str, ...] = ()

    @property
    def fps(self) -> int:
        return round(self.source.fps)


def open_recording(config: ReplayConfig, registry: Registry, signals: tuple[Signal, ...], limits: Envelope) -> Recording:
    """Read the episode. signals: what the robot takes. Raises ConfigError with everything in which it does not fit."""
    wanted = config.dataset
    descriptor = registry.find(RecorderDescriptor, wanted.format)
    where = {"repo_id": wanted.repo_id, "root": wanted.root}
    reader = build(descriptor, structure(descriptor.config, where, registry))
    if not isinstance(reader, ReadsEpisodes):
        raise CapabilityMissing(f"dataset.format: the recorder '{wanted.format}' cannot give an episode back")
    found = reader.read_episode(wanted.episode)
    if config.record is not None and str(config.record.config.folder) == found.where:
        raise ConfigError(f"record.repo_id: {found.where} is what is replayed; record into another dataset")
    channels = names_of(signals)
    if problems := list(_problems(found, channels, config.robot.type)):
        raise ConfigError([f"dataset: episode {wanted.episode} of {found.where} {problem}" for problem in problems])
    order = [found.action_names.index(name) for name in channels]
    actions = resampled(found.actions[:, order], config.speed)
    return Recording(wanted.episode, found, signals, actions, tuple(_remarks(actions, found.fps, limits)))


def resampled(actions: Floats, speed: float) -> Floats:
    """The same way, `speed` times as fast, at the same frame rate: straight from each action (row) to the next."""
    last = len(actions) - 1
    at = np.minimum(np.arange(np.ceil(last / speed) + 1) * speed, last)
    before = np.floor(at).astype(int)
    share = (at - before)[:, None]
    mixed: Floats = actions[before] * (1 - share) + actions[np.minimum(before + 1, last)] * share
    return mixed


def way_to_start(recording: Recording, measured: Mapping[str, float]) -> str:
    """How far the arm is from where the recording starts, and what will follow from that. measured: channel -> value."""
    at = np.array([measured[signal.name] for signal in recording.signals])
    apart = np.abs(recording.actions[0] - at)
    worst = np.argsort(-apart)[:_SHOWN]
    listed = ", ".join(f"{recording.signals[i].name} {apart[i]:.1f} {recording.signals[i].unit}" for i in worst)
    if apart.max() <= FAR:
        return f"The arm is where the recording starts; furthest away: {listed}."
    return f"The recording starts elsewhere: {listed} away. From `start` on the arm goes there, {APPROACH:g} a second at most."


def _remarks(actions: Floats, fps: float, limits: Envelope) -> Iterator[str]:
    low, high = actions.min(axis=0), actions.max(axis=0)
    speeds = np.abs(np.diff(actions, axis=0)).max(axis=0, initial=0.0) * fps
    for i, name in enumerate(limits.names):
        if low[i] < limits.lower[i] - _SLACK:
            yield f"{name} goes down to {low[i]:.1f} in the recording; the arm stops at {limits.lower[i]:.1f}"
        if high[i] > limits.upper[i] + _SLACK:
            yield f"{name} goes up to {high[i]:.1f} in the recording; the arm stops at {limits.upper[i]:.1f}"
        if speeds[i] > limits.velocity[i] * _MARGIN:
            yield f"{name} moves at up to {speeds[i]:.0f} a second in the recording; the limit is {limits.velocity[i]:.0f}"


def _problems(found: RecordedEpisode, channels: tuple[str, ...], robot_type: str) -> Iterator[str]:
    foreign = [name for name in found.action_names if name not in channels]
    lacking = [name for name in channels if name not in found.action_names]
    if foreign or lacking:
        of = f" (of a {found.robot_type})" if found.robot_type and found.robot_type != robot_type else ""
        parts = [f"has {', '.join(foreign)}" if foreign else "", f"lacks {', '.join(lacking)}" if lacking else ""]
        yield f"was recorded with other channels{of}: it {' and '.join(filter(None, parts))}; robot.type is {robot_type}"
    if not len(found.actions):
        yield "has no frames"
    elif not np.isfinite(found.actions).all():
        frame, channel = np.argwhere(~np.isfinite(found.actions))[0]
        yield f"has an action that is no number: {found.action_names[channel]} in frame {frame}"
