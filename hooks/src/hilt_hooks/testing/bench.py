"""What all kinds of devices have in common under test: a rig, a case, a bench."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pkgutil import resolve_name
from typing import Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from hilt_hooks.descriptors import Descriptor
from hilt_hooks.errors import DeviceLost
from hilt_hooks.testing.checks import NotConforming, handle


class Unpluggable(Protocol):
    """A rig of any device. config: of a device that is there, on its emulator. unplug: take it away."""

    @property
    def config(self) -> Any: ...

    @property
    def unplug(self) -> Callable[[], None] | None: ...


@frozen(kw_only=True)
class Patience:
    """How long the checks look. settle_s: how long what must happen may take. watch_s: how long what must not happen is
    watched for. grace_s: how much later than asked a call may come back on a busy machine.
    """

    settle_s: float = 5.0
    watch_s: float = 0.2
    grace_s: float = 1.0


CaseT = TypeVar("CaseT", bound="DeviceCase[Any, Any]")
RigT = TypeVar("RigT", bound=Unpluggable)
BenchT = TypeVar("BenchT", bound="DeviceBench[Any, Any]")


@frozen
class DeviceBench(ABC, Generic[CaseT, RigT]):
    """One device on its emulator, and what the checks of its kind do with it."""

    case: CaseT
    rig: RigT
    device: Any

    @abstractmethod
    def works(self) -> None:
        """Returns once the connected device has done what it is for. Raises NotConforming if it does not."""

    def until(self, seconds: float) -> Iterator[float]:
        """Go round every 10 ms, at least once, for `seconds`."""
        end = time.monotonic() + seconds
        while True:
            yield time.monotonic()
            if time.monotonic() > end:
                return
            time.sleep(0.01)

    def handle(self, name: str) -> Any:
        """What the rig has under this name. Raises NotExercised if it has nothing."""
        return handle(self.rig, name)

    def lose(self) -> None:
        self.handle("unplug")()


@frozen
class ListeningBench(DeviceBench[CaseT, RigT]):
    """Of a device that only tells: a camera, an input."""

    @abstractmethod
    def look(self) -> None:
        """Take what the device has to say, if anything. Raises DeviceLost."""

    def expect_lost(self) -> None:
        """Look until the device says that it is lost."""
        try:
            for _ in self.until(self.case.patience.settle_s):
                self.look()
        except DeviceLost as error:
            if not str(error).strip():
                raise NotConforming("DeviceLost has no message") from error
            return
        except Exception as error:
            raise NotConforming(f"read of an unplugged device raises {error!r}, not DeviceLost") from error
        raise NotConforming(f"an unplugged device's read has not raised DeviceLost within {self.case.patience.settle_s:g} s")


@frozen(kw_only=True)
class DeviceCase(ABC, Generic[RigT, BenchT]):
    """One device type under test. module: what an entry point of the plugin names."""

    descriptor: Descriptor
    make: Callable[[], AbstractContextManager[RigT]]
    module: str
    patience: Patience = field(factory=Patience)

    @abstractmethod
    def place(self, rig: RigT, device: Any) -> BenchT:
        """The bench of this kind."""

    @contextmanager
    def bench(self) -> Iterator[BenchT]:
        """A fresh, unconnected device. It is disconnected at the end."""
        with self.make() as rig:
            bench = self.place(rig, self.build(rig))
            try:
                yield bench
            finally:
                bench.device.disconnect()

    @contextmanager
    def connected(self) -> Iterator[BenchT]:
        with self.bench() as bench:
            bench.device.connect()
            yield bench

    def build(self, rig: RigT) -> Any:
        return resolve_name(self.descriptor.factory)(rig.config)
