"""A small ACT checkpoint for the bench: random weights, statistics that keep the arm above the table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hilt.checkpoint import Metadata, Parts, write_checkpoint
from hilt.processors import Feature
from hilt_policy_act.config import ACTTraining
from hilt_policy_act.training import ACTTrainer

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
CHANNELS = tuple(f"{joint}.pos" for joint in JOINTS)
MIDDLE = [0.0, -55.0, 50.0, 55.0, 0.0, 20.0]
"""About which the actions scatter: folded, above the table. Degrees, percent."""
SPREAD = [12.0, 8.0, 8.0, 8.0, 12.0, 5.0]
SIZE = (120, 160, 3)

TINY = ACTTraining(
    chunk_size=30,
    n_action_steps=30,
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


def write_policy(output: Path, cameras: tuple[str, ...], channels: tuple[str, ...] = CHANNELS) -> Path:
    """The folder with `config.json`, as a training leaves it."""
    torch.manual_seed(7)
    size = (len(channels),)
    images = {f"observation.images.{camera}": Feature("VISUAL", (3, *SIZE[:2])) for camera in cameras}
    inputs = {"observation.state": Feature("STATE", size), **images}
    outputs = {"action": Feature("ACTION", size)}
    made = ACTTrainer(TINY, inputs, outputs, _statistics(tuple(images)))
    _keep_moving(made)
    config, weights = made.checkpoint()
    metadata = Metadata(state=channels, actions=channels, fps=30.0, cameras=dict.fromkeys(cameras, SIZE))
    return write_checkpoint(
        output, Parts(config=config, weights=weights, pipelines=made.pipelines, metadata=metadata), step=1, steps=1
    )


def _keep_moving(made: ACTTrainer) -> None:
    """Random weights give almost one action throughout a chunk. Let each step of it look somewhere else, round and round."""
    turn = torch.arange(TINY.chunk_size)[:, None] * (2 * torch.pi / TINY.chunk_size)
    ahead, aside = torch.randn(2, TINY.dim_model)
    with torch.no_grad():
        made.network.decoder_pos_embed.weight.copy_(10.0 * (torch.cos(turn) * ahead + torch.sin(turn) * aside))


def _statistics(images: tuple[str, ...]) -> Mapping[str, Mapping[str, Any]]:
    image = {"mean": [[[0.5]]] * 3, "std": [[[0.25]]] * 3}
    return {
        "observation.state": {"mean": MIDDLE, "std": [30.0] * len(MIDDLE)},
        "action": {"mean": MIDDLE, "std": SPREAD},
        **dict.fromkeys(images, image),
    }
