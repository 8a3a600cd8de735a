"""The training loop."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from hilt.processors import ACTION, Pipeline
from hilt_command_train.samples import PADDING, Batch, Samples, shuffled
from hilt_command_train.trainable import Trainable
from hilt_hooks import HiltError, Transition

_REPRESENTATIVE = 64
"""Samples in the batch from which a network may measure what the data looks like."""


@frozen
class Progress:
    """One step done. parts: the loss, its parts, and the norm of the gradient before clipping."""

    step: int
    parts: Mapping[str, float]


def optimise(
    trainable: Trainable, samples: Samples, *, steps: int, batch_size: int, seed: int, gradient_clip: float
) -> Iterator[Progress]:
    """Train; yields after every step, so that the caller logs and saves in between.

    Raises HiltError when the loss is not finite: nothing good comes after that.
    """
    random = np.random.default_rng(seed)
    rows = shuffled(len(samples), batch_size, random)
    before = trainable.pipelines[0]

    def load(which: NDArray[np.int64]) -> dict[str, Tensor]:
        return _tensors(_normalised(samples.batch(which, trainable.chunk), before), trainable.device)

    some = random.choice(len(samples), min(_REPRESENTATIVE, len(samples)), replace=False)
    trainable.prepare(load(some))
    optimizer = trainable.optimizer()
    trainable.network.train()
    for step in range(1, steps + 1):
        parts = _step(trainable, optimizer, load(next(rows)), gradient_clip)
        if not np.isfinite(parts["loss"]):
            raise HiltError(
                f"the loss is {parts['loss']} at step {step}; use a smaller learning rate, or look for bad values in the data"
            )
        yield Progress(step, parts)


def _step(
    trainable: Trainable, optimizer: torch.optim.Optimizer, batch: Mapping[str, Tensor], gradient_clip: float
) -> dict[str, float]:
    loss, parts = trainable.loss(batch)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(trainable.network.parameters(), gradient_clip)
    optimizer.step()
    return {"loss": loss.item(), **parts, "gradient": norm.item()}


def _normalised(batch: Batch, before: Pipeline) -> dict[str, object]:
    """The batch through the same pipeline that a session sends its observations through."""
    observation = {name: values for name, values in batch.items() if name not in (ACTION, PADDING)}
    done = before(Transition(observation=observation, action=batch[ACTION]))
    return {**done.observation, ACTION: done.action, PADDING: batch[PADDING]}


def _tensors(batch: Mapping[str, object], device: torch.device) -> dict[str, Tensor]:
    return {name: torch.as_tensor(values).to(device) for name, values in batch.items()}
