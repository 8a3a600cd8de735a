"""What a training leaves to look at: a line a log step, and a picture."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

LOG = "loss.jsonl"
PLOT = "loss.png"


class Journal:
    """Means over the steps between two entries, appended to `loss.jsonl` as they come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = time.monotonic()
        self._pending: list[Mapping[str, float]] = []
        self.entries: list[dict[str, float]] = []

    def add(self, parts: Mapping[str, float]) -> None:
        self._pending.append(parts)

    def write(self, step: int) -> None:
        """Close an entry at this step."""
        if not self._pending:
            return
        means = {name: float(np.mean([parts[name] for parts in self._pending])) for name in self._pending[0]}
        entry = {"step": step, "seconds": round(time.monotonic() - self._started, 1), **means}
        self._pending.clear()
        self.entries.append(entry)
        with (self._folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def plot(self) -> Path:
        """Draw the loss and its parts into `loss.png`."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        steps = [entry["step"] for entry in self.entries]
        for name in self.entries[0]:
            if name not in ("step", "seconds", "gradient"):
                axes.plot(steps, [entry[name] for entry in self.entries], label=name)
        axes.set(xlabel="step", ylabel="loss", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(self._folder / PLOT, dpi=120)
        return self._folder / PLOT
