"""The viewers' process: shows a person what goes on, and delays or stops nothing.

What it says, as `Status` on `status-viewers.ring`:

    ready      with device `viewers`: it listens; the viewers open meanwhile, and nobody waits for them
    failed     with device `viewer NAME`: it raised, or does not come back. It is left out, the others are not
"""

import signal
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from threading import Event
from typing import Any

from attrs import field, frozen

from hilt.config import Station
from hilt.ipc.messages import Header, StatusState, Stop
from hilt.ipc.process import Mailbox, ignore_interrupts, lower_priority
from hilt.kernel import Registry, build
from hilt.kernel.discovery import unmet
from hilt.observers.seat import Seat
from hilt.observers.views import Views, session_info
from hilt_hooks import DriverMissing, Viewer, ViewerDescriptor
from hilt_hooks.viewers import Patience

NICENESS = 15
RATE_HZ = 20.0
"""How often a viewer that keeps up is shown the newest state."""


@frozen(kw_only=True)
class ViewersSetup:
    """Data only: it travels to a spawned process. viewers: name -> (its descriptor's factory, its configuration)."""

    run_dir: Path
    header: Header
    task: str
    viewers: Mapping[str, tuple[str, Any]]
    patience: Patience = field(factory=Patience)


def chosen_viewers(config: Station, registry: Registry) -> dict[str, tuple[str, Any]]:
    """What `ViewersSetup` wants of a configuration. Builds each viewer once, so that it can refuse its configuration.

    Raises PluginMissing, DriverMissing and ConfigError.
    """
    chosen: dict[str, tuple[str, Any]] = {}
    for typed in config.viewers:
        descriptor = registry.find(ViewerDescriptor, typed.type)
        if missing := unmet(descriptor.requires):
            raise DriverMissing(f"viewer '{typed.type}'", missing)
        build(descriptor, typed.config)
        alike = sum(name.split()[0] == typed.type for name in chosen)
        name = f"{typed.type} {alike + 1}" if alike else typed.type
        chosen[name] = (descriptor.factory, typed.config)
    return chosen


def run(setup: ViewersSetup) -> None:
    """The process's main: until the session's Stop, or until the session is gone."""
    ignore_interrupts()
    lower_priority(NICENESS)
    mailbox, ending = Mailbox(setup.run_dir, "viewers"), Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    session = session_info(setup.header, setup.task)
    seats = [Seat(name, partial(_make, *spec), session, setup.patience) for name, spec in setup.viewers.items()]
    Viewers(Views(setup.run_dir, setup.header), seats, mailbox, ending).run(setup.patience.close_s)


class Viewers:
    """Shows `views` to those in `seats` that are free, until the session ends or `ending` is set."""

    def __init__(self, views: Views, seats: Sequence[Seat], mailbox: Mailbox, ending: Event) -> None:
        self._views, self._seats, self._mailbox, self._ending = views, seats, mailbox, ending

    def run(self, close_s: float) -> None:
        """close_s: how long the viewers have to close, all together."""
        self._mailbox.tell(StatusState.READY)
        while not (self._ending.is_set() or self._mailbox.orphaned or self._stopped()):
            self._show()
            self._report()
            self._ending.wait(1 / RATE_HZ)
        for seat in self._seats:
            seat.leave()
        until_s = time.monotonic() + close_s
        busy = [seat for seat in self._seats if not (seat.named or seat.join(until_s))]
        self._report()
        for seat in busy:
            self._tell(seat, "did not close in time; what it showed last may be missing")

    def _stopped(self) -> bool:
        return any(isinstance(message, Stop) for message in self._mailbox.receive())

    def _show(self) -> None:
        """One view for all who wait, made only if somebody does."""
        news, alarm = self._views.listen()
        for seat in self._seats if news else []:
            seat.hear(alarm)
        waiting = [seat for seat in self._seats if seat.waits]
        if waiting and (view := self._views.newest()):
            for seat in waiting:
                seat.show(view)

    def _report(self) -> None:
        for seat in self._seats:
            if said := seat.trouble():
                self._tell(seat, said)

    def _tell(self, seat: Seat, detail: str) -> None:
        self._mailbox.tell(StatusState.FAILED, device=f"viewer {seat.name}", detail=detail)


def _make(factory: str, config: Any) -> Viewer:
    made: Viewer = resolve_name(factory)(config)
    return made
