"""Whether a policy fits the robot and cameras that are here."""

from collections.abc import Mapping

from hilt_hooks import ConfigError, PolicySpec


def check_fit(
    spec: PolicySpec,
    *,
    path: str,
    state: tuple[str, ...],
    actions: tuple[str, ...],
    cameras: Mapping[str, tuple[int, ...]],
    fps: float,
) -> None:
    """Raises ConfigError with everything in which `path` was trained for something else. cameras: name -> (h, w, c)."""
    problems = [
        *_channels("state", spec.state, spec.state_size, state),
        *_channels("action", spec.actions, spec.action_size, actions),
        *_images(spec.images, cameras),
    ]
    if spec.fps is not None and spec.fps != fps:
        problems.append(f"it was trained at {spec.fps:g} frames a second, dataset.fps is {fps:g}")
    if problems:
        raise ConfigError([f"policy.path: {path} does not fit this robot: {problem}" for problem in problems])


def _channels(what: str, names: tuple[str, ...], size: int, here: tuple[str, ...]) -> list[str]:
    if not names:
        return [] if size in (0, len(here)) else [f"its {what} has {size} channels, the robot's {len(here)}"]
    unknown, unused = sorted(set(names) - set(here)), sorted(set(here) - set(names))
    problems = [f"its {what} has {', '.join(unknown)}, which the robot has not"] if unknown else []
    if unused and what == "action":
        problems.append(f"it does not command {', '.join(unused)}")
    return problems


def _images(images: Mapping[str, tuple[int, int, int]], cameras: Mapping[str, tuple[int, ...]]) -> list[str]:
    problems = []
    for name, shape in images.items():
        if name not in cameras:
            problems.append(f"it needs the camera '{name}'; there are {', '.join(cameras) or 'none'}")
        elif tuple(cameras[name]) != tuple(shape):
            seen, wanted = "x".join(map(str, cameras[name])), "x".join(map(str, shape))
            problems.append(f"camera '{name}' gives {seen}, it was trained on {wanted}")
    return problems
