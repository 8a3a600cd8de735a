"""Weights between files and the network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor, nn

from hilt.checkpoint import Checkpoint, split_legacy
from hilt_hooks import ConfigError

PREFIX = "model."
_SHOWN = 5


def read_weights(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    """All tensors of `model.safetensors`. Raises ConfigError if the file is missing or damaged."""
    try:
        return dict(load_file(checkpoint.weights))
    except FileNotFoundError:
        raise ConfigError(
            f"{checkpoint.weights} is missing; adapters and sharded weights are not supported: merge them first"
        ) from None
    except SafetensorError as error:
        raise ConfigError(f"{checkpoint.weights} is damaged: {error}") from error


def load_weights(network: nn.Module, tensors: Mapping[str, NDArray[Any]], where: str) -> None:
    """Fill the network. Strict: raises ConfigError with every missing and unexpected key and every wrong shape."""
    wanted = {PREFIX + key: tuple(value.shape) for key, value in network.state_dict().items()}
    problems = []
    if missing := sorted(wanted.keys() - tensors.keys()):
        problems.append(f"{where}: missing {_list(missing)}")
    if surplus := sorted(tensors.keys() - wanted.keys()):
        problems.append(f"{where}: unexpected {_list(surplus)}")
    for key in sorted(wanted.keys() & tensors.keys()):
        if tensors[key].shape != wanted[key]:
            problems.append(f"{where}: {key} has shape {tensors[key].shape}, but config.json makes it {wanted[key]}")
    if problems:
        raise ConfigError(problems)
    network.load_state_dict({key: torch.from_numpy(tensors[PREFIX + key]) for key in network.state_dict()})


def collect_weights(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The tensors of `model.safetensors`."""
    return {PREFIX + key: value.detach().cpu().contiguous().numpy() for key, value in network.state_dict().items()}


def without_statistics(checkpoint: Checkpoint, tensors: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
    """(weights, statistics) of a checkpoint whose statistics are among its weights."""
    return split_legacy(tensors, [*checkpoint.inputs, *checkpoint.outputs])


def load_backbone(network: nn.Module, path: Path) -> None:
    """Start the image network from a file with torchvision's names. Raises ConfigError if it does not fit."""
    try:
        tensors: Mapping[str, Tensor] = (
            {key: torch.from_numpy(value) for key, value in load_file(path).items()}
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ConfigError(f"pretrained_backbone_weights: {path} cannot be read: {error}") from error
    kept = {key: value for key, value in tensors.items() if not key.startswith("fc.") and not key.endswith("num_batches_tracked")}
    try:
        network.load_state_dict(kept)
    except RuntimeError as error:
        raise ConfigError(f"pretrained_backbone_weights: {path} holds no ResNet-18: {error}") from error


def _list(keys: list[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
