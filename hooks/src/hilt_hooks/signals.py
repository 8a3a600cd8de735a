"""Named channels and the vectors that travel on them. Matched by name, never by position."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from hilt_hooks.errors import ConfigError

Floats = NDArray[np.float64]


@frozen
class Limits:
    """What a channel may do. Units are those of the channel, per second and per second squared.

    tracking: how far the target may run ahead of the measured pose. reason: where the numbers come from.
    """

    lower: float = -np.inf
    upper: float = np.inf
    velocity: float = np.inf
    acceleration: float = np.inf
    tracking: float = np.inf
    reason: str = ""


@frozen
class Signal:
    """One channel, declared before connect: `Signal("shoulder_pan.pos", "deg")`.

    `shape` is () for a scalar; an image stream has (height, width, channels).
    """

    name: str
    unit: str
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    limits: Limits = Limits()


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


@lru_cache(maxsize=256)
def _order(have: tuple[str, ...], want: tuple[str, ...]) -> NDArray[np.intp]:
    missing = [name for name in want if name not in have]
    surplus = [name for name in have if name not in want]
    if missing or surplus:
        raise ConfigError(f"channels do not match: missing {missing or 'none'}, surplus {surplus or 'none'}")
    return np.array([have.index(name) for name in want], dtype=np.intp)


@frozen(eq=False)
class Vector:
    """Values with their names. `values` has shape (n,), float64, in the units of the named channels."""

    names: tuple[str, ...]
    values: Floats = field(converter=_floats)

    def __attrs_post_init__(self) -> None:
        if self.values.shape != (len(self.names),):
            raise ConfigError(f"{len(self.names)} names, but values of shape {self.values.shape}")

    @classmethod
    def of(cls, values: Mapping[str, float]) -> "Vector":
        return cls(tuple(values), np.fromiter(values.values(), np.float64, len(values)))

    def in_order(self, names: tuple[str, ...]) -> Floats:
        """The values in the order of `names`. Raises ConfigError unless both have the same names."""
        if names == self.names:
            return self.values
        return self.values[_order(self.names, names)]

    def as_dict(self) -> dict[str, float]:
        return dict(zip(self.names, self.values.tolist(), strict=True))

    def with_prefix(self, prefix: str) -> "Vector":
        return Vector(tuple(prefix + name for name in self.names), self.values)

    def select(self, prefix: str) -> "Vector":
        """The channels whose name starts with `prefix`, named without it."""
        keep = [i for i, name in enumerate(self.names) if name.startswith(prefix)]
        return Vector(tuple(self.names[i].removeprefix(prefix) for i in keep), self.values[keep])


@frozen(eq=False)
class Reading:
    """What a device measured: each value with the time at which it was captured.

    Stale is a state, not an old number: where `fresh` is False the device did not answer in this read, `values` keeps
    what it last said and `times` when that was (0 and time 0 if it never answered).

    values: (n,) float64. times: (n,) int64, monotonic nanoseconds. fresh: (n,) bool.
    """

    names: tuple[str, ...]
    values: Floats
    times: NDArray[np.int64]
    fresh: NDArray[np.bool_]

    @property
    def vector(self) -> Vector:
        return Vector(self.names, self.values)

    @property
    def complete(self) -> bool:
        return bool(self.fresh.all())

    @classmethod
    def join(cls, parts: Iterable["Reading"]) -> "Reading":
        parts = list(parts)
        return cls(
            tuple(name for part in parts for name in part.names),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.fresh for part in parts]),
        )

    def with_prefix(self, prefix: str) -> "Reading":
        return Reading(tuple(prefix + name for name in self.names), self.values, self.times, self.fresh)


def names_of(signals: Iterable[Signal]) -> tuple[str, ...]:
    return tuple(signal.name for signal in signals)
