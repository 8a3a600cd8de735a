"""What a policy's plugin provides so that `hilt train` can train it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hilt.processors import Feature, Pipeline

Statistics = Mapping[str, Mapping[str, ArrayLike]]


class Trainable(Protocol):
    """A network in training. Built by the class that the policy's descriptor names as `trainer` (see `Trainer`).

    inputs, outputs: features as the network takes them; images are scaled to the size given there.
    chunk: how many actions a sample has. pipelines: before and after the network, saved with it.
    """

    inputs: Mapping[str, Feature]
    outputs: Mapping[str, Feature]
    chunk: int
    device: torch.device
    pipelines: tuple[Pipeline, Pipeline]
    network: nn.Module

    def optimizer(self) -> torch.optim.Optimizer: ...

    def prepare(self, batch: Mapping[str, Tensor]) -> None:
        """Called once before the first step, with a normalised batch."""

    def loss(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of a normalised batch, and its parts by name.

        batch: `observation.*` (b, ...), `action` (b, chunk, A) and `action_is_pad` (b, chunk) bool.
        """

    def checkpoint(self) -> tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]]:
        """The content of `config.json`, and the tensors of `model.safetensors`."""


class Trainer(Protocol):
    """The class itself. config: an attrs class, the `--policy.` flags. presets: name -> values for those flags."""

    config: ClassVar[type]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]]
    gradient_clip: ClassVar[float]

    def __call__(
        self, config: Any, inputs: Mapping[str, Feature], outputs: Mapping[str, Feature], statistics: Statistics
    ) -> Trainable: ...
