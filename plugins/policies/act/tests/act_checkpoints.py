"""A small ACT checkpoint with random weights, written as a training would."""

from pathlib import Path

import torch
from attrs import evolve

from hilt.checkpoint import Metadata, Parts, write_checkpoint
from hilt.processors import Feature
from hilt_policy_act.config import ACTTraining
from hilt_policy_act.training import ACTTrainer

INPUTS = {"observation.state": Feature("STATE", (2,)), "observation.images.front": Feature("VISUAL", (3, 60, 80))}
OUTPUTS = {"action": Feature("ACTION", (2,))}
STATISTICS = {
    "observation.state": {"mean": [10.0, -10.0], "std": [5.0, 5.0]},
    "action": {"mean": [100.0, -100.0], "std": [2.0, 3.0]},
    "observation.images.front": {"mean": [[[0.5]]] * 3, "std": [[[0.25]]] * 3},
}
SMALL = ACTTraining(
    chunk_size=6,
    n_action_steps=4,
    dim_model=16,
    n_heads=2,
    dim_feedforward=32,
    n_encoder_layers=1,
    n_vae_encoder_layers=1,
    latent_dim=4,
    pretrained_backbone_weights=None,
    resize=(32, 48),
    device="cpu",
)


def trainer(config: ACTTraining = SMALL) -> ACTTrainer:
    torch.manual_seed(7)
    return ACTTrainer(config, INPUTS, OUTPUTS, STATISTICS)


def write(output: Path, *, fps: float | None = 30.0, **changes: object) -> Path:
    """The folder with `config.json`. changes: other values for the network's configuration."""
    made = trainer(evolve(SMALL, **changes))
    config, weights = made.checkpoint()
    metadata = Metadata(state=("a.pos", "b.pos"), actions=("a.pos", "b.pos"), fps=fps, cameras={"front": (60, 80, 3)})
    parts = Parts(config=config, weights=weights, pipelines=made.pipelines, metadata=metadata)
    return write_checkpoint(output, parts, step=1, steps=1)
