"""Training ACT: the loss, the optimizer, and what goes into its checkpoint. `hilt train` has the loop."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from attrs import evolve
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hilt.processors import ACTION, Feature, Pipeline, standard_pipelines
from hilt_policy_act.config import PRESETS, ACTTraining, check, write_config
from hilt_policy_act.inference import choose_device
from hilt_policy_act.network import PADDING, ACTNetwork, Output
from hilt_policy_act.resnet import calibrate
from hilt_policy_act.weights import collect_weights, load_backbone

log = logging.getLogger(__name__)

GRADIENT_CLIP = 10.0


class ACTTrainer:
    """What `hilt train --policy.type=act` trains.

    inputs, outputs: the features of the dataset that a policy may use. statistics: feature -> statistic -> values.
    Raises ConfigError for a network that cannot be built.
    """

    config: ClassVar[type] = ACTTraining
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    gradient_clip: ClassVar[float] = GRADIENT_CLIP

    def __init__(
        self,
        config: ACTTraining,
        inputs: Mapping[str, Feature],
        outputs: Mapping[str, Feature],
        statistics: Mapping[str, Mapping[str, ArrayLike]],
    ) -> None:
        check(config)
        self._config = config
        self.inputs = {name: _scaled(feature, config.resize) for name, feature in inputs.items()}
        self.outputs = dict(outputs)
        self.chunk = config.chunk_size
        self.device = choose_device(config.device)
        self.pipelines: tuple[Pipeline, Pipeline] = standard_pipelines(
            self.inputs, self.outputs, config.normalization_mapping, statistics
        )
        self.network = ACTNetwork(config, self.inputs, self.outputs).to(self.device)
        self._measure = self._start_backbone()

    def _start_backbone(self) -> bool:
        """Load the image network, if there is a file. Returns whether its frozen statistics are still to be measured."""
        weights = self._config.pretrained_backbone_weights
        if not self.network.cameras:
            return False
        if weights is None:
            return True
        if Path(weights).suffix in (".pth", ".pt", ".safetensors"):
            load_backbone(self.network.backbone, Path(weights))
            return False
        log.warning(
            "the image network starts from random weights: %s is not downloaded; "
            "give a file of ResNet-18 weights with --policy.pretrained_backbone_weights=FILE",
            weights,
        )
        return True

    def optimizer(self) -> torch.optim.Optimizer:
        rest: list[nn.Parameter] = []
        backbone: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            (backbone if name.startswith("backbone.") else rest).append(parameter)
        groups: list[dict[str, Any]] = [{"params": rest}]
        if backbone:
            groups.append({"params": backbone, "lr": self._config.optimizer_lr_backbone})
        return torch.optim.AdamW(
            groups, lr=self._config.optimizer_lr, weight_decay=self._config.optimizer_weight_decay, fused=True
        )

    def prepare(self, batch: Mapping[str, Tensor]) -> None:
        """Called once, before the first step, with a normalised batch that stands for the dataset."""
        if self._measure:
            images = [batch[camera] for camera in self.network.cameras]
            size = images[0].shape[-2:]
            calibrate(self.network.backbone, torch.cat([nn.functional.interpolate(image, size=size) for image in images]))

    def loss(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Mean absolute error over the actions that are not padding, and the divergence of the latent from a unit normal."""
        output: Output = self.network(batch)
        valid = ~batch[PADDING][..., None]
        error = nn.functional.l1_loss(output.actions, batch[ACTION], reduction="none")
        l1 = (error * valid).sum() / (valid.sum() * error.shape[-1])
        if output.mean is None or output.log_variance is None:
            return l1, {"l1": l1.item()}
        divergence = -0.5 * (1 + output.log_variance - output.mean**2 - output.log_variance.exp())
        kl = divergence.sum(dim=-1).mean()
        return l1 + self._config.kl_weight * kl, {"l1": l1.item(), "kl": kl.item()}

    def checkpoint(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The content of `config.json`, and the weights."""
        return write_config(self._config, self.inputs, self.outputs), collect_weights(self.network)


def _scaled(feature: Feature, size: tuple[int, int] | None) -> Feature:
    if size is None or feature.type != "VISUAL":
        return feature
    return evolve(feature, shape=(feature.shape[0], *size))
