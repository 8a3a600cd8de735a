"""The conformance kit on a small ACT checkpoint, plain and with temporal ensembling."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from act_checkpoints import write

from hilt_hooks.testing import Check, PolicyRig, check_policy, conformance
from hilt_policy_act.config import ACTRuntime
from hilt_policy_act.plugin import hilt_policies

(POLICY,) = hilt_policies()
MODULE = "hilt_policy_act.plugin"


@cache
def checkpoint() -> Path:
    """Written once: no check changes it."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return write(Path(folder.name))


@contextmanager
def plain() -> Iterator[PolicyRig]:
    yield PolicyRig(config=ACTRuntime(device="cpu"), path=checkpoint())


@contextmanager
def ensembling() -> Iterator[PolicyRig]:
    yield PolicyRig(config=ACTRuntime(device="cpu", temporal_ensemble_coeff=0.1), path=checkpoint())


@conformance(check_policy(POLICY, plain, module=MODULE))
def test_policy(check: Check) -> None:
    check.run()


@conformance(check_policy(POLICY, ensembling, module=MODULE))
def test_policy_that_ensembles(check: Check) -> None:
    check.run()
