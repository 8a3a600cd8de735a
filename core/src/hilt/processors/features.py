"""The features of a checkpoint: what the network takes and gives, by LeRobot's names."""

from typing import Any

from attrs import field, frozen

ACTION = "action"
STATE = "observation.state"
IMAGES = "observation.images."


def _ints(shape: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in shape)


@frozen
class Feature:
    """One input or output. type: `STATE`, `VISUAL`, `ENV`, `ACTION`, ... shape: without the batch; images (c, h, w)."""

    type: str
    shape: tuple[int, ...] = field(converter=_ints)

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, "shape": list(self.shape)}


def camera_of(feature: str) -> str:
    """The camera of an image feature: `front` of `observation.images.front`, `image` of `observation.image`."""
    return feature.removeprefix(IMAGES).removeprefix("observation.")
