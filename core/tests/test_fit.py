"""Checkpoints that were trained for something else are refused with everything in which they differ."""

import pytest

from hilt.inference.fit import check_fit
from hilt_hooks import ConfigError, PolicySpec

STATE = ("a.pos", "b.pos")


def spec(**changes: object) -> PolicySpec:
    given = {"state": STATE, "actions": STATE, "state_size": 2, "action_size": 2, "images": {"front": (48, 64, 3)}, "fps": 30.0}
    return PolicySpec(**{**given, **changes})  # type: ignore[arg-type]


def problems(checked: PolicySpec) -> list[str]:
    with pytest.raises(ConfigError) as error:
        check_fit(checked, path="ckpt", state=STATE, actions=STATE, cameras={"front": (48, 64, 3)}, fps=30)
    return [problem.removeprefix("policy.path: ckpt does not fit this robot: ") for problem in error.value.problems]


@pytest.mark.parametrize("changes", [{}, {"state": STATE[::-1]}, {"state": (), "actions": ()}, {"images": {}}, {"fps": None}])
def test_fits(changes: dict[str, object]) -> None:
    check_fit(spec(**changes), path="c", state=STATE, actions=STATE, cameras={"front": (48, 64, 3)}, fps=30)


def test_everything_that_differs_is_named() -> None:
    other = spec(
        state=("a.pos", "x.pos"), actions=("a.pos",), action_size=1, images={"front": (96, 64, 3), "wrist": (1, 1, 3)}, fps=50.0
    )
    assert problems(other) == [
        "its state has x.pos, which the robot has not",
        "it does not command b.pos",
        "camera 'front' gives 48x64x3, it was trained on 96x64x3",
        "it needs the camera 'wrist'; there are front",
        "it was trained at 50 frames a second, dataset.fps is 30",
    ]


def test_a_checkpoint_without_names_must_have_the_size() -> None:
    assert problems(spec(state=(), state_size=7)) == ["its state has 7 channels, the robot's 2"]
