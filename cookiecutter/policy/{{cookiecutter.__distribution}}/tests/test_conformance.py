"""The rules for every policy, on a checkpoint that `save` wrote. Give yours random weights and keep it small."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from hilt_hooks.testing import Check, PolicyRig, check_policy, conformance
from {{ cookiecutter.__module }}.checkpoint import save
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.plugin import hilt_policies

(POLICY,) = hilt_policies()


@contextmanager
def rig() -> Iterator[PolicyRig]:
    """A policy that samples needs a `seed` here, for instance `lambda: torch.manual_seed(0)`."""
    with TemporaryDirectory() as folder:
        path = save(folder, {"shoulder.pos": 10.0, "elbow.pos": -20.0, "gripper.pos": 0.5}, chunk_size=8)
        yield PolicyRig(config={{ cookiecutter.__class }}Config(), path=path)


@conformance(check_policy(POLICY, rig, module="{{ cookiecutter.__module }}.plugin"))
def test_conformance(check: Check) -> None:
    check.run()
