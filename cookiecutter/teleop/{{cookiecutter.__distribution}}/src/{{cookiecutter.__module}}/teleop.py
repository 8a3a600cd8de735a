"""The leader as a session sees it. What is particular to the wire is in `link.py`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from hilt_hooks import ConnectError, DeviceLost, Floats, Reading, SafetyStop, Signal, Vector
from {{ cookiecutter.__module }}.channels import NAMES, SIGNALS
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.link import Link

_ANSWER_NS = 100_000_000


class {{ cookiecutter.__class }}Teleop:
    action_signals: tuple[Signal, ...] = SIGNALS

    def __init__(self, config: {{ cookiecutter.__class }}Config) -> None:
        self._name = f"{{ cookiecutter.__type }} on {config.port}"
        self._link = Link(config.port)
        self._mirror_torque = config.mirror_torque
        self._stiff: bool | None = False
        self._values = np.zeros(len(NAMES))
        self._times = np.zeros(len(NAMES), dtype=np.int64)

    def connect(self) -> None:
        try:
            self._link.open()
            self._stiff = self._link.torque()
        except OSError as error:
            self._link.close()
            raise ConnectError(f"{self._name}: {error}; check the port, cable and power") from error

    def disconnect(self) -> None:
        """Leaves the torque as it is."""
        self._link.close()

    def read(self, deadline_ns: int) -> Reading:
        with self._lost_when_gone():
            positions = self._link.positions(deadline_ns)
        if positions is not None:
            self._values, self._times = positions, np.full(len(NAMES), time.monotonic_ns(), dtype=np.int64)
        return Reading(NAMES, self._values, self._times, np.full(len(NAMES), positions is not None))

    def set_torque(self, on: bool) -> None:
        """On: capped, and the targets at the measured pose first, so that nothing jumps."""
        with self._lost_when_gone():
            if on:
                self._link.limit_torque(self._mirror_torque)
                self._link.move(self._measured())
            self._link.set_torque(on)
            self._stiff = self._link.torque()
            if self._stiff is not on:
                raise OSError(f"torque did not go {'on' if on else 'off'}")

    def torque(self) -> bool | None:
        with self._lost_when_gone():
            return self._link.torque()

    def mirror(self, target: Vector) -> None:
        """Sends nothing while a hand has the leader. Raises SafetyStop for NaN and infinity."""
        targets = target.in_order(NAMES)
        wrong = [f"{name} is {value}" for name, value in zip(NAMES, targets, strict=True) if not np.isfinite(value)]
        if wrong:
            raise SafetyStop(f"{self._name}: targets must be finite: {', '.join(wrong)}")
        if self._stiff:
            with self._lost_when_gone():
                self._link.move(targets)

    def _measured(self) -> Floats:
        positions = self._link.positions(time.monotonic_ns() + _ANSWER_NS)
        if positions is None:
            raise OSError("no answer")
        return positions

    @contextmanager
    def _lost_when_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DeviceLost(f"{self._name}: {error}; check cable and power") from error
