"""Images on their way into a network. Training and inference use these same functions, so that both see the same pixels."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def to_network(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) uint8 -> (3, h, w) float32 in 0..1."""
    scaled: NDArray[np.float32] = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
    return scaled


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale (h, w, c) uint8 by averaging the area that each new pixel covers; nearest pixel where it grows.

    Both directions are products with a small matrix: no image library is needed, and no machine gives other pixels.
    """
    h, w, channels = image.shape
    if (h, w) == (height, width):
        return image
    rows = _coverage(h, height) @ image.reshape(h, -1).astype(np.float32)
    pixels: NDArray[np.float32] = _coverage(w, width) @ rows.reshape(height, w, channels)
    return np.rint(pixels).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=32)
def _coverage(old: int, new: int) -> NDArray[np.float32]:
    """(new, old) float32; row i holds how much of new pixel i comes from each old pixel. Rows sum to one."""
    edges = np.arange(new + 1) * (old / new)
    cells = np.arange(old)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    weights = overlap.clip(0)
    normalized: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalized.astype(np.float32)
