"""The rules for every robot, on the emulated arm. Never run them on a real one: they move it without limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from hilt_hooks.testing import Check, Rig, check_robot, conformance
from {{ cookiecutter.__module }}.channels import NAMES
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.emulator import plugged_into
from {{ cookiecutter.__module }}.plugin import hilt_robots

(ROBOT,) = hilt_robots()
ports = map("arm-{}".format, count())


@contextmanager
def rig() -> Iterator[Rig]:
    """An arm that no check has used before."""
    port = next(ports)
    arm = plugged_into(port)
    yield Rig(
        config={{ cookiecutter.__class }}Config(port=port),
        unplug=lambda: setattr(arm, "plugged", False),
        mute=lambda: setattr(arm, "answers", False),
        pose=lambda: dict(zip(NAMES, arm.where().tolist(), strict=True)),
    )


@conformance(check_robot(ROBOT, rig, module="{{ cookiecutter.__module }}.plugin"))
def test_conformance(check: Check) -> None:
    check.run()
