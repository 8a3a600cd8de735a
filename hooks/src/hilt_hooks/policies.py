"""Policies: an observation in, a chunk of actions out. numpy at the boundary."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen
from numpy.typing import NDArray

from hilt_hooks.signals import Floats, Vector


@frozen
class PolicySpec:
    """What a policy takes and gives.

    state: channel names, in the order in which the network was trained; () if the checkpoint does not say.
    images: camera name -> (height, width, channels). actions: channel names, () if the checkpoint does not say.
    chunk: actions in one prediction; use: how many of them to carry out before the next one. fps: None if not said.
    """

    state: tuple[str, ...]
    actions: tuple[str, ...]
    state_size: int
    action_size: int
    images: Mapping[str, tuple[int, int, int]] = field(factory=dict)
    task: bool = False
    history: int = 1
    chunk: int = 1
    use: int = 1
    fps: float | None = None


@frozen(eq=False)
class Observation:
    """What the policy sees. images: camera name -> (h, w, 3) uint8. time_ns: the oldest capture time in it."""

    time_ns: int
    state: Vector
    images: Mapping[str, NDArray[Any]]
    task: str = ""


@frozen(eq=False)
class Prediction:
    """actions: (T, A) in robot units, ordered like `names`. model: (T, A) as the network gave them, before unnormalising."""

    names: tuple[str, ...]
    actions: Floats
    model: Floats


@runtime_checkable
class Policy(Protocol):
    @property
    def spec(self) -> PolicySpec: ...

    def load(self) -> None:
        """Read the weights. The only slow part; building a policy reads no more than its configuration."""

    def reset(self) -> None:
        """Forget the episode so far."""

    def predict(self, observation: Observation) -> Prediction: ...


@runtime_checkable
class ContinuesChunks(Protocol):
    """Real-time chunking: the new chunk continues the part of the old one that will be carried out meanwhile."""

    def continue_chunk(self, observation: Observation, remainder: Floats | None, delay: int) -> Prediction:
        """remainder: (n, A) in model space with its true length, or None after an underrun. delay: steps that inference takes."""


@runtime_checkable
class Updatable(Protocol):
    def update(self, version: int, weights: Mapping[str, NDArray[Any]]) -> None: ...


@runtime_checkable
class Scores(Protocol):
    def score(self, observation: Observation) -> float:
        """Probability of success, 0 to 1."""


POLICY_CAPABILITIES: Mapping[str, type] = {"continue": ContinuesChunks, "update": Updatable, "score": Scores}
