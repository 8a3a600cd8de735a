"""Figures in the house style, and pixels as data URIs. Imports matplotlib: import this module only where a figure is made."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, RED, PURPLE, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#999999", "#1a1a1a"
"""Okabe and Ito's palette, which people with any kind of colour vision can tell apart."""

_WIDTH_IN = 10.0
_STYLE: Any = {
    "axes.edgecolor": "#999999",
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["sans-serif"],
    "font.size": 9,
    "grid.color": "#e0e0e0",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "hilt",
    "xtick.color": "#555555",
    "xtick.labelcolor": "#333333",
    "ytick.color": "#555555",
    "ytick.labelcolor": "#333333",
}
_IDS = re.compile(r'<g id="[^"]*"')


@contextmanager
def stacked(heights: list[float]) -> Iterator[tuple[Figure, list[Axes]]]:
    """Axes below each other with a common time axis. heights: of each, in inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH_IN, sum(heights) + 0.5), layout="constrained")
        axes = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
        yield figure, list(axes[:, 0])


def svg(figure: Figure) -> str:
    """The figure as an element to put into a page. Groups lose their ids: several figures share one page."""
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return _IDS.sub("<g", text[text.index("<svg") :])


def data_uri(pixels: NDArray[np.uint8], width: int) -> str:
    """The image, not wider than `width`, as a JPEG in a data URI."""
    buffer = io.BytesIO()
    imsave(buffer, shrunk(pixels, width), format="jpeg", pil_kwargs={"quality": 80})
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def shrunk(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Averaged over squares of whole pixels until it is at most `width` wide."""
    factor = -(-pixels.shape[1] // width)
    if factor <= 1:
        return pixels
    height, wide = (side // factor * factor for side in pixels.shape[:2])
    squares = pixels[:height, :wide].reshape(height // factor, factor, wide // factor, factor, -1)
    return np.asarray(squares.mean(axis=(1, 3)).round(), dtype=np.uint8)
