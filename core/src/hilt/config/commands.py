"""The configurations of the commands that run a session."""

from typing import Any, ClassVar, Literal, cast

from attrs import Attribute, frozen

from hilt.config import lerobot
from hilt.config.fields import Compatibility, EpisodeOptions, device, lacking_episode_options, section
from hilt.config.station import Station
from hilt_hooks import ConfigError, Typed, option

DEFAULT_RECORDER = "lerobot"
"""The type of the recorder when a configuration names none."""


@frozen(kw_only=True)
class PolicyConfig:
    path: str = option(help="Checkpoint: its folder, or the output folder of its training")
    device: str = option("cpu", help="Where the network runs: cpu, cuda, cuda:1, mps")
    inference: Literal["background", "sync"] = option(
        "background", help="background: while the last chunk is carried out; sync: the arm waits for it"
    )
    queue_threshold: int = option(
        30,
        help="A new chunk is asked for when no more than this, and no more than half a chunk, is left",
        unit="actions",
        minimum=0,
    )
    threads: int = option(1, help="CPU threads of the network", minimum=1)


@frozen(kw_only=True)
class RtcConfig:
    """Real-time chunking: a new chunk continues the one that is being carried out."""

    enabled: bool = option(False, help="Let each chunk continue the one before")
    execution_horizon: int = option(10, help="How much of the old chunk guides the new one", unit="actions", minimum=1)
    max_guidance_weight: float = option(10.0, help="Upper bound of the guidance", minimum=0.001)
    prefix_attention_schedule: Literal["ZEROS", "ONES", "LINEAR", "EXP"] = option(
        "LINEAR", help="How the weight of the old chunk falls off along the horizon"
    )


@frozen(kw_only=True)
class HandoverConfig:
    """What happens between the policy and the person."""

    offset_bleed: float = option(10.0, help="How fast the offset left at a takeover is taken back", unit="deg/s", minimum=0.1)
    passive_leader: Literal["clutch", "align"] = option(
        "clutch", help="For a leader that cannot mirror: clutch moves relative to where it is; align brings the robot to it"
    )
    align_speed: float = option(30.0, help="How fast the robot is brought to such a leader", unit="deg/s", minimum=0.1)
    touch: float | None = option(
        None, help="Moving a mirrored leader this far by hand is itself a takeover; null: it is not", unit="deg", minimum=1
    )


def _check_recorder(_: object, attribute: "Attribute[Any]", value: Typed | None) -> None:
    if value is not None and (lacking := lacking_episode_options(type(value.config))):
        raise ConfigError(f"{attribute.name}: recorder '{value.type}' cannot run episodes: it lacks {', '.join(lacking)}")


def _recorder() -> Any:
    return device("recorder", help="Where episodes go", default_type=DEFAULT_RECORDER, validator=_check_recorder)


@frozen(kw_only=True)
class _Episodes(Station):
    dataset: Typed = _recorder()

    @property
    def episodes(self) -> EpisodeOptions:
        """The part of the recorder's configuration by which the session runs."""
        return cast(EpisodeOptions, self.dataset.config)


@frozen(kw_only=True)
class CollectConfig(_Episodes):
    """A policy drives, a person corrects, every frame is kept."""

    compatibility: ClassVar[Compatibility] = lerobot.COLLECT

    policy: PolicyConfig = option(help="The policy that drives")
    interpolation_multiplier: int = option(2, help="Commands per dataset frame, interpolated", minimum=1, maximum=10)
    rtc: RtcConfig = section(RtcConfig, help="Real-time chunking")
    handover: HandoverConfig = section(HandoverConfig, help="Between policy and person")


@frozen(kw_only=True)
class RecordConfig(_Episodes):
    """A person demonstrates, every frame is kept."""

    compatibility: ClassVar[Compatibility] = lerobot.RECORD

    teleop: Typed = device("teleoperator", help="What the person moves: a leader arm, a gamepad")
    interpolation_multiplier: int = option(1, help="Commands per dataset frame, interpolated", minimum=1, maximum=10)
    handover: HandoverConfig = section(HandoverConfig, help="Between robot and person")


@frozen(kw_only=True)
class TeleoperateConfig(Station):
    """A person moves the robot, nothing is kept."""

    compatibility: ClassVar[Compatibility] = lerobot.TELEOPERATE

    teleop: Typed = device("teleoperator", help="What the person moves: a leader arm, a gamepad")
    fps: int = option(60, help="Commands a second", unit="Hz", minimum=1, maximum=1000)
    teleop_time_s: float | None = option(None, help="Stop after this time; null: when asked to", unit="s", minimum=0)
    handover: HandoverConfig = section(HandoverConfig, help="Between robot and person")


@frozen(kw_only=True)
class ReplayedConfig:
    """Which recorded episode is replayed. The names are LeRobot's."""

    repo_id: str = option(help="Name of the dataset, usually <owner>/<name>")
    root: str | None = option(None, help="Folder of the dataset; null: where recordings of this name go")
    episode: int = option(help="Which episode; the first is 0. Also as --episode", minimum=0)
    format: str = option(DEFAULT_RECORDER, help="The type of the recorder that reads it")


@frozen(kw_only=True)
class ReplayConfig(Station):
    """A recorded episode drives; a person watches."""

    compatibility: ClassVar[Compatibility] = lerobot.REPLAY

    dataset: ReplayedConfig = option(help="The episode that is replayed")
    speed: float = option(1.0, help="How fast, as a share of the recorded speed", minimum=0.05, maximum=2)
    record: Typed | None = device(
        "recorder", default=None, help="A dataset that the replay is recorded into", validator=_check_recorder
    )
    interpolation_multiplier: int = option(2, help="Commands per dataset frame, interpolated", minimum=1, maximum=10)
    handover: HandoverConfig = section(HandoverConfig, help="Between the recording and a person with a leader")


COMMANDS: tuple[type[Station], ...] = (CollectConfig, RecordConfig, TeleoperateConfig, ReplayConfig)
"""A station may have been written for one of them and be given to another."""
