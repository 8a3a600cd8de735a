"""A trained ACT network as a policy. torch is imported when the weights are loaded, not before."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilt.checkpoint import image_sizes, open_checkpoint, policy_spec
from hilt.processors import POSTPROCESSOR, PREPROCESSOR, Pipeline, installed, load_pipeline, policy_transition, standard_pipelines
from hilt_hooks import ConfigError, Floats, Observation, PolicySpec, Prediction, Transition
from hilt_policy_act.config import ACTRuntime, read_config
from hilt_policy_act.ensemble import Ensemble

if TYPE_CHECKING:
    from hilt_policy_act.inference import Inference


class ACT:
    """Runs the checkpoint in `path`. Raises ConfigError if its configuration cannot be run."""

    def __init__(self, config: ACTRuntime, path: Path) -> None:
        self._runtime = config
        self._checkpoint = open_checkpoint(path)
        self._config = read_config(self._checkpoint.config)
        coefficient = config.temporal_ensemble_coeff
        if coefficient is None:
            coefficient = self._config.temporal_ensemble_coeff
        self._ensemble = None if coefficient is None else Ensemble(coefficient, self._checkpoint.metadata.fps)
        self._spec = policy_spec(self._checkpoint, chunk=self._config.chunk_size, use=self._use())
        self._sizes = image_sizes(self._checkpoint)
        self._inference: Inference | None = None
        self._before: Pipeline | None = None
        self._after: Pipeline | None = None

    def _use(self) -> int:
        if self._ensemble is not None:
            return 1
        use = self._runtime.n_action_steps or self._config.n_action_steps
        if use > self._config.chunk_size:
            raise ConfigError(f"n_action_steps: {use} is more than the checkpoint's chunk of {self._config.chunk_size} actions")
        return use

    @property
    def spec(self) -> PolicySpec:
        """Raises ConfigError for a network with an input that no robot reports."""
        surplus = [name for name, feature in self._checkpoint.inputs.items() if feature.type not in ("STATE", "VISUAL")]
        if surplus:
            raise ConfigError(f"{self._checkpoint.folder}: needs {', '.join(surplus)}, which only a simulation has")
        return self._spec

    def load(self) -> None:
        """Read weights and statistics. Raises ConfigError if they do not fit `config.json`."""
        from hilt_policy_act.inference import Inference

        inference = Inference(self._checkpoint, self._config, self._runtime)
        if inference.statistics:
            pipelines = standard_pipelines(
                self._checkpoint.inputs, self._checkpoint.outputs, self._config.normalization_mapping, inference.statistics
            )
        else:
            folder = self._checkpoint.folder
            pipelines = load_pipeline(folder, PREPROCESSOR, installed), load_pipeline(folder, POSTPROCESSOR, installed)
        self._before, self._after = pipelines
        self._inference = inference

    def reset(self) -> None:
        for pipeline in (self._before, self._after):
            if pipeline is not None:
                pipeline.reset()
        if self._ensemble is not None:
            self._ensemble.reset()

    def predict(self, observation: Observation) -> Prediction:
        """A chunk for the observation. With temporal ensembling: the average with the chunks before it, since `reset`."""
        prediction = self.run(policy_transition(observation, self.spec, self._sizes))
        if self._ensemble is None:
            return prediction
        model = self._ensemble.add(prediction.model, observation.time_ns)
        return Prediction(prediction.names, self._unnormalized(model), model)

    def run(self, transition: Transition) -> Prediction:
        """From raw values by LeRobot's feature names to a chunk: what `predict` does once it has those."""
        if self._inference is None or self._before is None:
            raise RuntimeError("load() must be called before a prediction")
        model = self._inference(self._before(transition).observation).astype(np.float64)
        return Prediction(self._spec.actions, self._unnormalized(model), model)

    def _unnormalized(self, model: Floats) -> Floats:
        assert self._after is not None  # noqa: S101  set together with the inference
        action = self._after(Transition(action=model)).action
        return np.asarray(action, dtype=np.float64)
