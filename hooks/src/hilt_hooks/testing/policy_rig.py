"""The bench of a policy's checks: a small checkpoint, what the policy is shown, and what comes of it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import frozen

from hilt_hooks.descriptors import PolicyDescriptor
from hilt_hooks.policies import Observation, PolicySpec, Prediction
from hilt_hooks.signals import Floats, Vector
from hilt_hooks.testing.checks import NotExercised, expect

STEPS = 3
"""Predictions in an episode: enough for a history or an ensemble to show."""

_TEXT = frozenset({".cfg", ".ini", ".json", ".md", ".toml", ".txt", ".yaml", ".yml"})
_NS = 1_000_000_000


@frozen(kw_only=True)
class PolicyRig:
    """What the author of a policy provides, once for every check: a small checkpoint, whose weights may be random.

    config: how it is run. path: the folder of the checkpoint. Checks that change a checkpoint change a copy; in it, what is
    not text (.json, .yaml, .txt, ...) counts as weights. seed: makes a policy that samples repeat itself, for instance
    `lambda: torch.manual_seed(0)`; called before each episode. tolerance: how far two predictions from the same
    observations may lie apart, in the units of the actions.
    """

    config: Any
    path: Path
    seed: Callable[[], object] | None = None
    tolerance: float = 1e-6


MakePolicyRig = Callable[[], AbstractContextManager[PolicyRig]]


@frozen(kw_only=True)
class PolicyCase:
    """One type of policy under test. module: what an entry point of the plugin names."""

    descriptor: PolicyDescriptor
    make: MakePolicyRig
    module: str

    @contextmanager
    def bench(self) -> Iterator["PolicyBench"]:
        with self.make() as rig:
            yield PolicyBench(self, rig)


@frozen
class PolicyBench:
    case: PolicyCase
    rig: PolicyRig

    def build(self, folder: Path | None = None) -> Any:
        """A new policy of the rig's checkpoint, or of the one in `folder`."""
        return resolve_name(self.case.descriptor.factory)(self.rig.config, folder or self.rig.path)

    def loaded(self, folder: Path | None = None) -> Any:
        policy = self.build(folder)
        policy.load()
        return policy

    def play(self, policy: Any, observations: Sequence[Observation]) -> list[Prediction]:
        """An episode, from where the policy is. Returns the predictions as they were when they came.

        The observations themselves are not touched.
        """
        self.seed()
        return [copied(policy.predict(deepcopy(observation))) for observation in observations]

    def seed(self) -> None:
        if self.rig.seed is not None:
            self.rig.seed()

    def expect_same(self, got: Sequence[Prediction], wanted: Sequence[Prediction], otherwise: str) -> None:
        for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
            off = difference(one.actions, other.actions)
            same = one.names == other.names and off <= self.rig.tolerance
            expect(same, f"{otherwise}: prediction {number + 1} of an episode differs by {off:.3g}")

    def expect_repeats(self) -> None:
        """For rules that compare predictions. Whether it should repeat itself is a rule of its own."""
        first = self.loaded()
        shown = episode(first.spec)
        played, again = self.play(first, shown), self.play(self.loaded(), shown)
        if max(map(difference, _actions(played), _actions(again))) > self.rig.tolerance:
            raise NotExercised("the policy does not repeat itself: give the rig a `seed`")

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the checkpoint, which the check may change."""
        with TemporaryDirectory() as place:
            folder = Path(place) / "checkpoint"
            shutil.copytree(self.rig.path, folder)
            yield folder


def weights_in(folder: Path) -> list[Path]:
    """What a policy has no need of before `load`."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() not in _TEXT]


def episode(spec: PolicySpec, number: int = 0) -> list[Observation]:
    """What a session would show to the policy: random, and always the same for one number."""
    random = np.random.default_rng(number)
    names = spec.state or tuple(f"channel_{index}" for index in range(spec.state_size))
    period_ns = round(spec.use / (spec.fps or 30.0) * _NS)
    return [
        Observation(
            time_ns=(number + 1) * 1000 * _NS + step * period_ns,
            state=Vector(names, random.uniform(-30, 30, len(names))),
            images={name: random.integers(0, 256, shape, dtype=np.uint8) for name, shape in spec.images.items()},
            task="Put the cube into the box" if spec.task else "",
        )
        for step in range(STEPS)
    ]


def copied(prediction: Prediction) -> Prediction:
    return Prediction(prediction.names, np.array(prediction.actions), np.array(prediction.model))


def difference(one: Floats, other: Floats) -> float:
    """The largest one; infinite where the shapes differ or only one number is none."""
    if np.array_equal(one, other, equal_nan=True):
        return 0.0
    if one.shape != other.shape:
        return float("inf")
    off = float(np.max(np.abs(one - other)))
    return off if np.isfinite(off) else float("inf")


def _actions(predictions: Sequence[Prediction]) -> list[Floats]:
    return [prediction.actions for prediction in predictions]
