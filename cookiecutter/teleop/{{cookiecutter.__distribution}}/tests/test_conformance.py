"""The rules for every teleoperator, on the emulated leader. Never run them on a real one: they move it without limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from hilt_hooks.testing import Check, Rig, check_teleoperator, conformance
from {{ cookiecutter.__module }}.channels import NAMES
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.emulator import plugged_into
from {{ cookiecutter.__module }}.plugin import hilt_teleoperators

(LEADER,) = hilt_teleoperators()
ROBOT_ACTIONS = ("shoulder.pos", "elbow.pos", "wrist.pos", "gripper.pos")
"""The action channels of the robot that it leads."""

ports = map("leader-{}".format, count())


@contextmanager
def rig() -> Iterator[Rig]:
    """A leader that no check has used before."""
    port = next(ports)
    leader = plugged_into(port)
    yield Rig(
        config={{ cookiecutter.__class }}Config(port=port),
        unplug=lambda: setattr(leader, "plugged", False),
        mute=lambda: setattr(leader, "answers", False),
        pose=lambda: dict(zip(NAMES, leader.where().tolist(), strict=True)),
    )


@conformance(check_teleoperator(LEADER, rig, robot_actions=ROBOT_ACTIONS, module="{{ cookiecutter.__module }}.plugin"))
def test_conformance(check: Check) -> None:
    check.run()
