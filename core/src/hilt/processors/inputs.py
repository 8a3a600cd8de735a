"""From what a session observes to what a policy's pipeline takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hilt.processors.features import STATE
from hilt.processors.images import resize, to_network
from hilt_hooks import ConfigError, Observation, PolicySpec, Transition


def policy_transition(observation: Observation, spec: PolicySpec, sizes: Mapping[str, tuple[str, int, int]]) -> Transition:
    """The state in the order of the policy, images as (3, h, w) float32 in 0..1, the task in `info`.

    sizes: camera name -> its feature and the height and width that the network takes; images are scaled to them.
    Raises ConfigError for a missing camera, another image size than `spec` says, or other state channels.
    """
    inputs: dict[str, Any] = {}
    if spec.state_size:
        inputs[STATE] = _state(observation, spec)
    for camera, (feature, height, width) in sizes.items():
        inputs[feature] = to_network(resize(_image(observation, spec, camera), height, width))
    return Transition(observation=inputs, info={"task": observation.task} if spec.task else {})


def _state(observation: Observation, spec: PolicySpec) -> Any:
    values = observation.state.in_order(spec.state) if spec.state else observation.state.values
    if values.shape != (spec.state_size,):
        raise ConfigError(f"the policy takes a state of {spec.state_size} values, but got {values.size}")
    return values.astype(np.float32)


def _image(observation: Observation, spec: PolicySpec, camera: str) -> Any:
    image = observation.images.get(camera)
    if image is None:
        raise ConfigError(f"the policy needs the camera {camera!r}; there are {', '.join(observation.images) or 'none'}")
    if image.shape != spec.images[camera]:
        raise ConfigError(f"camera {camera}: the policy takes images of shape {spec.images[camera]}, but got {image.shape}")
    return image
