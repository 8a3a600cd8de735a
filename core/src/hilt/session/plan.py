"""What a session is going to do, checked in full before a process is started or anything moves."""

from collections.abc import Mapping
from datetime import datetime
from os import getpid
from pathlib import Path
from typing import Any, cast

import msgspec
from attrs import field, frozen

from hilt.cameras import camera_columns
from hilt.checkpoint import Checkpoint, open_checkpoint
from hilt.config import CollectConfig, EpisodeOptions, RecordConfig, ReplayConfig, Station, TeleoperateConfig, dump
from hilt.inference.fit import check_fit
from hilt.inference.process import open_policy
from hilt.ipc.messages import CameraColumn, Header
from hilt.kernel import Registry, build
from hilt.observers import chosen_viewers
from hilt.recording.columns import columns
from hilt.recording.video import check as check_recordable
from hilt.replay.recording import Recording, open_recording
from hilt.rig.arms import Arms
from hilt.rig.leader import Handover
from hilt.session.operator import Connected, check_bindings, meanings
from hilt.session.phases import Event
from hilt_hooks import (
    CameraDescriptor,
    ConfigError,
    InputDescriptor,
    PolicySpec,
    Recorder,
    RecorderDescriptor,
    ShowsPhase,
    Typed,
)
from hilt_hooks.inputs import Rehearses

Config = CollectConfig | RecordConfig | TeleoperateConfig | ReplayConfig


@frozen(kw_only=True)
class PolicyPlan:
    type: str
    path: Path
    id: str
    spec: PolicySpec
    runtime: Mapping[str, Any]
    threshold: int


LEAST_HZ = 5.0
"""Commands a second. A rig that ticks less often could not be told from one that hangs."""


@frozen(kw_only=True)
class Wanted:
    """What is to be recorded: how many episodes, how long each and the time to reset, the task, the folder of the logs."""

    episodes: int = 1
    episode_time_s: float = float("inf")
    reset_time_s: float = float("inf")
    task: str = ""
    logs: Path | None = None


@frozen(kw_only=True)
class Plan:
    """Everything that the processes of a session are started with."""

    name: str
    config: Config
    station: Mapping[str, Any]
    header: Header
    handover: Handover
    wanted: Wanted
    cameras: Mapping[str, tuple[str, Any]]
    inputs: tuple[Connected, ...]
    policy: PolicyPlan | None = None
    replay: Recording | None = None
    recorder: tuple[str, Any] | None = None
    viewers: Mapping[str, tuple[str, Any]] = field(factory=dict)
    filters: tuple[str, ...] = ()
    leader_mirrors: bool = False
    observed: bool = False


def make_plan(config: Config, registry: Registry) -> Plan:
    """Raises ConfigError or a sibling with what is wrong; touches no device."""
    if config.teleop is None and not isinstance(config, ReplayConfig):
        raise ConfigError("teleop: needed to take over, for instance --teleop.type=<type of your leader arm>; see `hilt plugins`")
    arms = Arms(config, registry)
    cameras, images = _cameras(config, registry)
    replay = _replay(config, registry, arms)
    policy = _policy(config, registry, arms, images)
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{getpid()}"
    header = _header(name, config, arms, images, policy, _fps(config, replay))
    _check_rate(header)
    wanted = _wanted(config, name, replay)
    return Plan(
        name=name,
        config=config,
        station={each: dump(getattr(config, each)) for each in ("robot", "teleop", "limits", "max_tracking_error")},
        header=header,
        handover=_handover(config, mirrors=arms.leader_mirrors),
        wanted=wanted,
        cameras=cameras,
        inputs=_inputs(config, registry),
        policy=policy,
        replay=replay,
        recorder=_recorder(config, registry, wanted, header),
        viewers=chosen_viewers(config, registry),
        filters=tuple(each.plugin for each in registry.filters()),
        leader_mirrors=arms.leader_mirrors,
        observed=bool(registry.followers()),
    )


def recorder_of(config: Config) -> Typed | None:
    """What the session records into; None where it records nothing."""
    if isinstance(config, ReplayConfig):
        return config.record
    return None if isinstance(config, TeleoperateConfig) else config.dataset


def _fps(config: Config, replay: Recording | None) -> float:
    if replay is not None:
        return replay.fps
    return config.episodes.fps if isinstance(config, CollectConfig | RecordConfig) else cast(TeleoperateConfig, config).fps


def _check_rate(header: Header) -> None:
    rate = header.fps * header.interpolation
    if rate < LEAST_HZ:
        raise ConfigError(
            f"fps: {header.fps:g} Hz are {rate:g} commands a second; at least {LEAST_HZ:g} are needed, or nobody could tell "
            "a rig that hangs; give more, or a larger interpolation_multiplier"
        )


def _wanted(config: Config, name: str, replay: Recording | None) -> Wanted:
    if isinstance(config, TeleoperateConfig):
        return Wanted(episode_time_s=config.teleop_time_s or float("inf"))
    recorder = recorder_of(config)
    if recorder is None:
        return Wanted()
    episodes = cast(EpisodeOptions, recorder.config)
    logs = episodes.folder / "hilt" / "logs" / name
    if replay is not None:
        return Wanted(task=episodes.single_task or replay.source.task, logs=logs)
    return Wanted(
        episodes=episodes.num_episodes,
        episode_time_s=episodes.episode_time_s,
        reset_time_s=episodes.reset_time_s,
        task=episodes.single_task,
        logs=logs,
    )


def _header(name: str, config: Config, arms: Arms, images: list[CameraColumn], policy: PolicyPlan | None, fps: float) -> Header:
    policy_id = policy.id if policy else ""
    return Header(
        session=name,
        robot_type=config.robot.type,
        fps=round(fps),
        interpolation=1 if isinstance(config, TeleoperateConfig) else config.interpolation_multiplier,
        state_names=list(arms.robot.names),
        action_names=list(arms.robot.commands),
        leader_names=list(arms.leader.commands) if arms.leader else [],
        columns=columns(arms.robot.names, arms.robot.commands, images, policy=policy_id),
        cameras=images,
        config=dump(config),
        policy=policy_id,
    )


def _replay(config: Config, registry: Registry, arms: Arms) -> Recording | None:
    if not isinstance(config, ReplayConfig):
        return None
    return open_recording(config, registry, arms.robot.device.action_signals, arms.governors(1.0)[0].envelope)


def _cameras(config: Config, registry: Registry) -> tuple[dict[str, tuple[str, Any]], list[CameraColumn]]:
    """Camera name -> what builds it; and the images that all of them give. A replay that nobody watches needs none."""
    if isinstance(config, ReplayConfig) and config.record is None and not config.viewers:
        return {}, []
    listed: Mapping[str, Typed] = getattr(config.robot.config, "cameras", {})
    found = {name: (registry.find(CameraDescriptor, typed.type), typed.config) for name, typed in listed.items()}
    images = camera_columns({name: build(descriptor, given) for name, (descriptor, given) in found.items()})
    return {name: (descriptor.factory, given) for name, (descriptor, given) in found.items()}, images


def _handover(config: Config, *, mirrors: bool) -> Handover:
    chosen = config.handover
    if mirrors:
        return Handover(bleed=chosen.offset_bleed)
    return Handover(bleed=chosen.align_speed if chosen.passive_leader == "align" else 0.0)


def _policy(config: Config, registry: Registry, arms: Arms, images: list[CameraColumn]) -> PolicyPlan | None:
    if not isinstance(config, CollectConfig):
        return None
    if config.rtc.enabled:
        raise ConfigError("rtc.enabled: no installed policy can continue a chunk; leave it out")
    try:
        checkpoint: Checkpoint = open_checkpoint(config.policy.path)
    except ConfigError as error:
        raise ConfigError([f"policy.path: {problem}" for problem in error.problems]) from error
    runtime = {"device": config.policy.device, "threads": config.policy.threads}
    policy = open_policy(checkpoint.type, runtime, checkpoint.folder, registry)
    check_fit(
        policy.spec,
        path=config.policy.path,
        state=arms.robot.names,
        actions=arms.robot.commands,
        cameras={each.name: (each.height, each.width, each.channels) for each in images if each.dtype == "uint8"},
        fps=config.episodes.fps,
    )
    background = config.policy.inference == "background"
    threshold = min(config.policy.queue_threshold, policy.spec.use // 2) if background else 0
    return PolicyPlan(
        type=checkpoint.type,
        path=checkpoint.folder,
        id=checkpoint.policy_id,
        spec=policy.spec,
        runtime=runtime,
        threshold=threshold,
    )


def _recorder(config: Config, registry: Registry, wanted: Wanted, header: Header) -> tuple[str, Any] | None:
    """What builds the recorder, once it has agreed to what is going to be recorded."""
    typed = recorder_of(config)
    if typed is None:
        return None
    descriptor = registry.find(RecorderDescriptor, typed.type)
    recorder: Recorder = build(descriptor, typed.config)
    for image in header.cameras:
        check_recordable(image)
    try:
        recorder.validate(msgspec.to_builtins(header))
    except ConfigError as error:
        if not isinstance(config, ReplayConfig):
            raise
        raise ConfigError([problem.replace("dataset.", "record.") for problem in error.problems]) from error
    if not wanted.task:
        raise ConfigError("dataset.single_task: say what the robot does, for instance --dataset.single_task='Push the cube'")
    return descriptor.factory, typed.config


def _inputs(config: Station, registry: Registry) -> tuple[Connected, ...]:
    """The operator's inputs. Raises ConfigError unless one of them can stop the arm and counts."""
    connected, counting = [], False
    for typed in config.inputs:
        descriptor = registry.find(InputDescriptor, typed.type)
        device = build(descriptor, typed.config)
        check_bindings(typed.type, device.bindings)
        shows = device if isinstance(device, ShowsPhase) else None
        connected.append(Connected(typed.type, device, device.bindings, shows, descriptor.scripted))
        stops = Event.STOP in meanings(device.bindings)
        counting |= stops and (not descriptor.scripted or _rehearses(device, config))
    if not counting:
        raise ConfigError(
            "inputs: none of them can stop a real arm; add one that has `stop`, for instance --input.type=keyboard in a terminal"
        )
    return tuple(connected)


def _rehearses(device: object, config: Station) -> bool:
    return isinstance(device, Rehearses) and device.emulated(config.robot.config)
