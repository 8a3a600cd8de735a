"""Fixed position embeddings: sines and cosines of falling frequency (Vaswani et al., 2017, arXiv:1706.03762)."""

import math

import torch
from torch import Tensor

TEMPERATURE = 10000.0
_EPSILON = 1e-6


def sequence_positions(length: int, width: int) -> Tensor:
    """(length, width): for positions 0, 1, ... the sine in even and the cosine in odd columns."""
    return _waves(torch.arange(length, dtype=torch.float64), width).float()


def image_positions(height: int, width: int, channels: int, device: torch.device | None = None) -> Tensor:
    """(height * width, channels), row by row: the first half of the channels says y, the second half x.

    Both run over (0, 2 pi], from the first pixel's far edge to the last one's.
    """
    y = _waves(_turn(height, device), channels // 2)
    x = _waves(_turn(width, device), channels // 2)
    grid = torch.cat([y[:, None].expand(-1, width, -1), x[None].expand(height, -1, -1)], dim=-1)
    return grid.reshape(height * width, channels)


def _turn(pixels: int, device: torch.device | None) -> Tensor:
    return torch.arange(1, pixels + 1, dtype=torch.float32, device=device) / (pixels + _EPSILON) * (2 * math.pi)


def _waves(positions: Tensor, width: int) -> Tensor:
    """(n,) -> (n, width): column pairs of sine and cosine share a frequency."""
    pair = torch.arange(width, dtype=positions.dtype, device=positions.device).div(2, rounding_mode="floor")
    angle = positions[:, None] / TEMPERATURE ** (2 * pair / width)
    return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=-1).flatten(1)
