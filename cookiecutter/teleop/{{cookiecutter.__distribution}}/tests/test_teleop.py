"""What a person feels: a hand moves the leader, and its torque is capped."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from {{ cookiecutter.__module }}.channels import NAMES
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.emulator import plugged_into
from {{ cookiecutter.__module }}.teleop import {{ cookiecutter.__class }}Teleop

PORT = "by-hand"


@pytest.fixture
def teleop() -> Iterator[{{ cookiecutter.__class }}Teleop]:
    teleop = {{ cookiecutter.__class }}Teleop({{ cookiecutter.__class }}Config(port=PORT, mirror_torque=20.0))
    teleop.connect()
    yield teleop
    teleop.disconnect()


def test_it_tells_where_a_hand_has_moved_it(teleop: {{ cookiecutter.__class }}Teleop) -> None:
    teleop.set_torque(False)
    plugged_into(PORT).hand = np.linspace(10.0, 40.0, len(NAMES))
    reading = teleop.read(time.monotonic_ns() + 100_000_000)
    assert reading.complete
    assert reading.vector.as_dict() == dict(zip(NAMES, np.linspace(10.0, 40.0, len(NAMES)).tolist(), strict=True))


def test_torque_is_capped_as_configured(teleop: {{ cookiecutter.__class }}Teleop) -> None:
    teleop.set_torque(True)
    assert plugged_into(PORT).torque_limit == 20.0
