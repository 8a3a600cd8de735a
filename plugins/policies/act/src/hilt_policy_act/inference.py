"""The part of the policy that needs torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilt.checkpoint import Checkpoint
from hilt_hooks import ConfigError
from hilt_policy_act.config import ACTConfig, ACTRuntime
from hilt_policy_act.network import ACTNetwork
from hilt_policy_act.weights import load_weights, read_weights, without_statistics


def choose_device(name: str) -> torch.device:
    """`auto`: a GPU if torch sees one. Raises ConfigError for a device that is not there."""
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator or torch.device("cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch raises either for a device that it was built without
        raise ConfigError(f"device: {name!r} cannot be used here ({str(error).splitlines()[0]}); use auto or cpu") from error


class Inference:
    """The loaded network. statistics: from the weights of an old checkpoint, otherwise empty."""

    def __init__(self, checkpoint: Checkpoint, config: ACTConfig, runtime: ACTRuntime) -> None:
        torch.set_num_threads(runtime.threads)
        self._device = choose_device(runtime.device)
        tensors, self.statistics = without_statistics(checkpoint, read_weights(checkpoint))
        self._network = ACTNetwork(config, checkpoint.inputs, checkpoint.outputs)
        load_weights(self._network, tensors, str(checkpoint.weights))
        self._network.eval().to(self._device)

    def __call__(self, inputs: Mapping[str, Any]) -> NDArray[np.float32]:
        """Normalised inputs of one sample, with the batch dimension -> (chunk, A), normalised."""
        batch = {key: torch.from_numpy(value).to(self._device) for key, value in inputs.items()}
        with torch.inference_mode():
            actions: NDArray[np.float32] = self._network(batch).actions[0].cpu().numpy()
        return actions
