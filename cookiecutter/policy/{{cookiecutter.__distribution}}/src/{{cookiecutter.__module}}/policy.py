"""A checkpoint as a policy: an observation in, a chunk of actions out, numpy at the boundary."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from hilt.checkpoint import open_checkpoint, policy_spec
from hilt_hooks import ConfigError, Floats, Observation, PolicySpec, Prediction
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


class {{ cookiecutter.__class }}Policy:
    """Moves every channel towards the checkpoint's pose, `max_step` an action. Raises ConfigError for a wrong checkpoint."""

    def __init__(self, config: {{ cookiecutter.__class }}Config, path: Path) -> None:
        """Reads the checkpoint's configuration, and no weights: this runs before anything has been checked."""
        self._checkpoint = open_checkpoint(path)
        known = self._checkpoint.config
        lacking = [name for name in ("chunk_size", "max_step") if not isinstance(known.get(name), int | float)]
        if not self._checkpoint.metadata.actions:
            lacking.append("the names of the actions (in hilt.json)")
        if lacking:
            raise ConfigError(f"{self._checkpoint.folder}: lacks {', '.join(lacking)}; `checkpoint.save` writes a whole one")
        self._max_step = float(known["max_step"])
        self._spec = policy_spec(self._checkpoint, chunk=int(known["chunk_size"]), use=int(known["chunk_size"]))
        self._pose: Floats | None = None

    @property
    def spec(self) -> PolicySpec:
        return self._spec

    def load(self) -> None:
        """The slow part. Here belongs what needs torch, imported here too. Raises ConfigError for weights that are none."""
        path = self._checkpoint.weights
        try:
            self._pose = load_file(path)["pose"].astype(np.float64)
        except (OSError, KeyError, SafetensorError) as error:
            raise ConfigError(f"{path}: cannot be read ({error!r}); get the whole checkpoint") from error

    def reset(self) -> None:
        """Nothing is remembered from one prediction to the next."""

    def predict(self, observation: Observation) -> Prediction:
        """actions: (chunk, A). `model` is the same, as nothing is normalised here. Raises ConfigError for another state."""
        if self._pose is None:
            raise RuntimeError("load() must be called before a prediction")
        here = observation.state.in_order(self._spec.actions)
        reach = self._max_step * np.arange(1, self._spec.chunk + 1)[:, None]
        actions = here + np.clip(self._pose - here, -reach, reach)
        return Prediction(self._spec.actions, actions, actions)
