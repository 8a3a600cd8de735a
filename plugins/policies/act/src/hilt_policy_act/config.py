"""Configurations: of the network (`config.json`), of running it, of training it."""

import logging
from collections.abc import Mapping
from typing import Any

from attrs import fields, frozen
from cattrs import BaseValidationError, Converter, transform_error

from hilt.processors import Feature
from hilt_hooks import ConfigError, option

log = logging.getLogger(__name__)

_converter = Converter()
_BOOKKEEPING = {
    "type": "act",
    "device": "cpu",
    "use_amp": False,
    "use_peft": False,
    "push_to_hub": False,
    "repo_id": None,
    "private": None,
    "tags": None,
    "license": None,
    "pretrained_path": None,
    "pretrained_revision": None,
}
"""What LeRobot keeps in every `config.json` beside the network; it has no effect here."""


_MEAN_STD = {"VISUAL": "MEAN_STD", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}


@frozen(kw_only=True)
class ACTConfig:
    """The network, with LeRobot's names and defaults."""

    n_obs_steps: int = option(1, help="Observations in one input; ACT takes one", choices=(1,))
    chunk_size: int = option(100, help="Actions in one prediction", minimum=1)
    n_action_steps: int = option(100, help="How many of them are carried out before the next prediction", minimum=1)
    normalization_mapping: Mapping[str, str] = option(_MEAN_STD, help="Feature type -> how it is normalised")
    vision_backbone: str = option("resnet18", help="Network that sees the images", choices=("resnet18",))
    pretrained_backbone_weights: str | None = option(
        "ResNet18_Weights.IMAGENET1K_V1",
        help="File with ResNet-18 weights (.pth or .safetensors) to start from; nothing is downloaded",
    )
    replace_final_stride_with_dilation: bool = option(False, help="Not possible with ResNet-18", choices=(False,))
    pre_norm: bool = option(False, help="Normalise before each transformer block instead of after it")
    dim_model: int = option(512, help="Width of the transformer; a multiple of four", minimum=4)
    n_heads: int = option(8, help="Attention heads", minimum=1)
    dim_feedforward: int = option(3200, help="Width of the feed-forward layers", minimum=1)
    feedforward_activation: str = option("relu", help="Their activation", choices=("relu", "gelu"))
    n_encoder_layers: int = option(4, help="Layers of the encoder", minimum=1)
    n_decoder_layers: int = option(1, help="Layers of the decoder", minimum=1)
    use_vae: bool = option(True, help="Train with a variational encoder of the actions")
    latent_dim: int = option(32, help="Width of its latent", minimum=1)
    n_vae_encoder_layers: int = option(4, help="Its layers", minimum=1)
    temporal_ensemble_coeff: float | None = option(None, help="Average overlapping chunks with weights exp(-coeff i)")
    dropout: float = option(0.1, help="Dropout while training", minimum=0, maximum=1)
    kl_weight: float = option(10.0, help="Weight of the variational loss", minimum=0)
    optimizer_lr: float = option(1e-5, help="Learning rate of AdamW", minimum=0)
    optimizer_weight_decay: float = option(1e-4, help="Its weight decay", minimum=0)
    optimizer_lr_backbone: float = option(1e-5, help="Learning rate of the image network", minimum=0)


@frozen(kw_only=True)
class ACTRuntime:
    """How a checkpoint is run."""

    device: str = option("auto", help="Where the network runs: auto, cpu, cuda, cuda:1, mps")
    threads: int = option(1, help="Threads that torch may use on the CPU", minimum=1)
    n_action_steps: int | None = option(
        None, help="Carry out this many actions of each chunk instead of what the checkpoint says", minimum=1
    )
    temporal_ensemble_coeff: float | None = option(
        None, help="Average overlapping chunks with weights exp(-coeff i) instead of what the checkpoint says"
    )


@frozen(kw_only=True)
class ACTTraining(ACTConfig):
    """The network, and what only its training knows."""

    preset: str | None = option(None, help="Start from a set of values for these flags", choices=(None, "tiny"))
    resize: tuple[int, int] | None = option(
        None, help="Height and width to which images are scaled; by default they stay as they are"
    )
    device: str = option("auto", help="Where the network runs: auto, cpu, cuda, cuda:1, mps")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tiny": {
        "chunk_size": 30,
        "n_action_steps": 30,
        "dim_model": 64,
        "n_heads": 4,
        "dim_feedforward": 128,
        "n_encoder_layers": 2,
        "n_vae_encoder_layers": 2,
        "latent_dim": 8,
        "dropout": 0.0,
        "optimizer_lr": 1e-3,
        "optimizer_lr_backbone": 5e-4,
        "pretrained_backbone_weights": None,
        "resize": (64, 96),
    },
}
"""Values for `--policy.preset=`; flags that are given as well win. tiny: 300 steps take two cores about a minute."""


def read_config(config: Mapping[str, Any]) -> ACTConfig:
    """The network of a `config.json`. Keys that are not the network's are left out, unknown ones logged.

    Raises ConfigError for wrong values, all at once.
    """
    names = {attribute.name for attribute in fields(ACTConfig)}
    unknown = sorted(set(config) - names - set(_BOOKKEEPING) - {"input_features", "output_features"})
    if unknown:
        log.warning("config.json: ignoring keys that this version does not know: %s", ", ".join(unknown))
    try:
        built = _converter.structure({key: value for key, value in config.items() if key in names}, ACTConfig)
    except BaseValidationError as error:
        raise ConfigError([f"config.json: {problem}" for problem in transform_error(error, path="$")]) from error
    check(built)
    return built


def write_config(config: ACTConfig, inputs: Mapping[str, Feature], outputs: Mapping[str, Feature]) -> dict[str, Any]:
    """The content of `config.json`, its keys in LeRobot's order."""
    network = {attribute.name: getattr(config, attribute.name) for attribute in fields(ACTConfig)}
    bookkeeping = dict(_BOOKKEEPING)
    return {
        "type": bookkeeping.pop("type"),
        "n_obs_steps": network.pop("n_obs_steps"),
        "input_features": {name: feature.as_json() for name, feature in inputs.items()},
        "output_features": {name: feature.as_json() for name, feature in outputs.items()},
        **bookkeeping,
        **network,
    }


def check(config: ACTConfig) -> None:
    """Raises ConfigError, all problems at once, for a network that cannot be built."""
    problems = []
    if config.vision_backbone != "resnet18":
        problems.append(f"vision_backbone: {config.vision_backbone!r} is not supported; use resnet18")
    if config.replace_final_stride_with_dilation:
        problems.append("replace_final_stride_with_dilation: not possible with resnet18; set it to false")
    if config.feedforward_activation not in ("relu", "gelu"):
        problems.append(f"feedforward_activation: {config.feedforward_activation!r} is not supported; use relu or gelu")
    if config.n_obs_steps != 1:
        problems.append(f"n_obs_steps: ACT takes one observation, not {config.n_obs_steps}")
    if config.n_action_steps > config.chunk_size:
        problems.append(f"n_action_steps: {config.n_action_steps} is more than chunk_size ({config.chunk_size})")
    if config.dim_model % 4 or config.dim_model % config.n_heads:
        problems.append(f"dim_model: {config.dim_model} must be a multiple of 4 and of n_heads ({config.n_heads})")
    if problems:
        raise ConfigError(problems)
