"""What a session needs to know about a checkpoint's policy."""

from hilt.checkpoint.content import Checkpoint
from hilt.processors.features import ACTION, STATE, camera_of
from hilt_hooks import ConfigError, PolicySpec

_COMPONENTS = 3


def policy_spec(checkpoint: Checkpoint, *, chunk: int, use: int, task: bool = False, history: int = 1) -> PolicySpec:
    """The spec from `config.json` and `hilt.json`. Raises ConfigError where both contradict each other.

    Without `hilt.json` the channels have no names, and the cameras deliver images of the size that the network takes.
    """
    if ACTION not in checkpoint.outputs:
        raise ConfigError(
            f"{checkpoint.folder}: output_features has no {ACTION!r}; found {', '.join(checkpoint.outputs) or 'none'}"
        )
    state = checkpoint.inputs.get(STATE)
    known = checkpoint.metadata
    spec = PolicySpec(
        state=known.state,
        actions=known.actions,
        state_size=state.shape[0] if state else 0,
        action_size=checkpoint.outputs[ACTION].shape[0],
        images={
            camera: known.cameras.get(camera, (height, width, _COMPONENTS))
            for camera, (_, height, width) in image_sizes(checkpoint).items()
        },
        task=task,
        history=history,
        chunk=chunk,
        use=use,
        fps=known.fps,
    )
    _check_names(checkpoint, spec)
    return spec


def image_sizes(checkpoint: Checkpoint) -> dict[str, tuple[str, int, int]]:
    """Camera name -> its feature, and the height and width that the network takes."""
    return {
        camera_of(name): (name, feature.shape[1], feature.shape[2])
        for name, feature in checkpoint.inputs.items()
        if feature.type == "VISUAL"
    }


def _check_names(checkpoint: Checkpoint, spec: PolicySpec) -> None:
    for what, names, size in (("state", spec.state, spec.state_size), ("actions", spec.actions, spec.action_size)):
        if names and len(names) != size:
            raise ConfigError(f"{checkpoint.folder}: hilt.json names {len(names)} {what}, but config.json says {size}")
