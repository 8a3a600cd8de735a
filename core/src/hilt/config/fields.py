"""What core adds to `hilt_hooks.option`: fields that hold devices, and what commands expect of their configurations."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from attrs import NOTHING, Attribute, Factory, field, fields, frozen

from hilt_hooks.config import METADATA, Option

Validator = Callable[[Any, "Attribute[Any]", Any], None]
DEFAULT_TYPE = f"{METADATA}.default_type"


def device(
    kind: str, *, help: str, default: Any = NOTHING, default_type: str | None = None, validator: Validator | None = None
) -> Any:
    """A field of type Typed, Typed | None, Mapping[str, Typed] or tuple[Typed, ...] that holds devices of this kind.

    default_type: the type of a device whose configuration names none. A tuple that is not given at all holds one device
    of this type, where it is installed.
    """
    metadata = {METADATA: Option(help=help, kind=kind), DEFAULT_TYPE: default_type}
    return field(default=default, metadata=metadata, validator=validator)


def section(cls: type[Any], *, help: str) -> Any:
    """A field that holds another configuration class, by default as that class is by default."""
    return field(default=Factory(cls), metadata={METADATA: Option(help=help)})


def option_of(attribute: "Attribute[Any]") -> Option:
    """What a field says about itself; nothing, where it was not made with `option`."""
    return cast(Option, attribute.metadata.get(METADATA, Option(help="")))


class EpisodeOptions(Protocol):
    """What a recorder's configuration must have, so that a session can run episodes by it."""

    @property
    def fps(self) -> float:
        """Dataset frames a second."""

    @property
    def single_task(self) -> str:
        """The task, in words."""

    @property
    def episode_time_s(self) -> float:
        """Recorded time after which an episode ends by itself."""

    @property
    def reset_time_s(self) -> float:
        """Time to put the scene back between episodes."""

    @property
    def num_episodes(self) -> int: ...

    @property
    def folder(self) -> Path:
        """Where the dataset lies; the logs of its sessions lie below."""


EPISODE_OPTIONS = ("fps", "single_task", "episode_time_s", "reset_time_s", "num_episodes", "folder")


def lacking_episode_options(config: type[Any]) -> list[str]:
    """The members of EpisodeOptions that a configuration class does not have."""
    return [name for name in EPISODE_OPTIONS if name not in {each.name for each in fields(config)} and not hasattr(config, name)]


@frozen(kw_only=True)
class Compatibility:
    """What a command takes that is not in its configuration, for the sake of other programs' command lines.

    unused: dotted field -> why it changes nothing here; it is accepted with a note.
    moved: dotted field -> where it is here.
    meanings: dotted field -> value as text -> the fields that say the same here.
    devices: field -> (kind, type) of the device that it asks for if true: it is added where that type is installed.
    """

    unused: Mapping[str, str] = field(factory=dict)
    moved: Mapping[str, str] = field(factory=dict)
    meanings: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(factory=dict)
    devices: Mapping[str, tuple[str, str]] = field(factory=dict)
