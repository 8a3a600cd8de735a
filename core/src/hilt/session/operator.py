"""The operator's inputs: which controls moved, and what that means in the phase the session is in."""

import select
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from attrs import define, field

from hilt.ipc.messages import Phase
from hilt.session.phases import OPERATOR_EVENTS, Event
from hilt_hooks import Bindings, ConfigError, ConnectError, DeviceLost, Edge, Input, InputEvent, ShowsPhase

HELD_S = 0.7
"""Where releases are not reported, the same control within this time is still held."""

RECONNECT_S = 1.0
POLL_S = 0.01


@define
class Connected:
    """One input of the session. held: control -> what it meant when it went down, and when it was last seen down (ns)."""

    name: str
    device: Input
    bindings: Bindings
    shows: ShowsPhase | None = None
    scripted: bool = False
    lost: str = ""
    held: dict[str, tuple[Event, int]] = field(factory=dict)
    tried_s: float = 0.0


class Operator:
    """All inputs of a session."""

    def __init__(self, inputs: Sequence[Connected]) -> None:
        self.inputs = inputs
        self.news: list[str] = []
        """What happened to the inputs since the session last looked, to be told."""

    def connect(self) -> None:
        """Open all of them. Raises ConnectError with everything that went wrong."""
        failures: list[Exception] = []
        for each in self.inputs:
            try:
                each.device.connect()
            except (ConnectError, ConfigError, DeviceLost) as error:
                failures.append(error)
        if failures:
            self.disconnect()
            raise ConnectError("an input cannot be used", failures)

    def disconnect(self) -> None:
        for each in self.inputs:
            each.device.disconnect()

    def can_stop(self) -> bool:
        return any(not each.lost and Event.STOP in meanings(each.bindings) for each in self.inputs)

    def show(self, phase: Phase, episode: int) -> None:
        for each in self.inputs:
            if each.shows is not None and not each.lost:
                each.shows.show_phase(phase.value, episode)

    def wait(self, timeout_s: float) -> None:
        """Until an input has something to say, or for `timeout_s`."""
        descriptors = [fd for each in self.inputs if not each.lost and (fd := each.device.fileno()) is not None]
        select.select(descriptors, [], [], timeout_s)

    def events(self, phase: Callable[[], Phase]) -> Iterator[tuple[Event, str]]:
        """What the operator wants, with the device that said it. A lost device is an event too.

        phase: asked for every control anew, because what one means may have been changed by the one before it.
        """
        for each in self.inputs:
            if each.lost:
                self._reconnect(each)
                continue
            try:
                pressed = each.device.read()
            except DeviceLost as error:
                each.lost = str(error)
                each.held.clear()
                self.news.append(f"the input {each.name} is lost ({error}); it is taken up again when it is back")
                if not self.can_stop():
                    yield Event.INPUT_LOST, each.name
                continue
            for event in _meant(each, pressed, phase, time.monotonic_ns()):
                yield event, each.name

    def _reconnect(self, each: Connected) -> None:
        now = time.monotonic()
        if now - each.tried_s < RECONNECT_S:
            return
        each.tried_s = now
        each.device.disconnect()
        try:
            each.device.connect()
        except (ConnectError, ConfigError, DeviceLost):
            return
        each.lost = ""
        self.news.append(f"the input {each.name} is back")


def _meant(each: Connected, pressed: Iterable[InputEvent], phase: Callable[[], Phase], now_ns: int) -> Iterator[Event]:
    for event in pressed:
        if event.edge == Edge.RELEASE:
            yield from _released(each, event.control)
        elif (meaning := meaning_of(each.bindings, event.control, phase())) is not None:
            repeat = not each.device.reports_releases and _is_held(each, event.control)
            each.held[event.control] = (each.held[event.control][0] if repeat else meaning, event.time_ns)
            if not repeat:
                yield meaning
    if not each.device.reports_releases:
        for control in [name for name, (_, seen_ns) in each.held.items() if now_ns - seen_ns > HELD_S * 1e9]:
            yield from _released(each, control)


def _is_held(each: Connected, control: str) -> bool:
    """Whether one more press is the same press going on.

    Only where that matters: a control that means something else in the next phase, and `intervene`. Any other may be
    pressed as often and as fast as a person in a hurry does: the second `pause` changes nothing, the first must count.
    """
    if control not in each.held:
        return False
    return isinstance(each.bindings.get(control), Mapping) or each.held[control][0] == Event.INTERVENE


def _released(each: Connected, control: str) -> Iterator[Event]:
    meaning, _ = each.held.pop(control, (None, 0))
    if meaning == Event.INTERVENE:
        yield Event.INTERVENE_END


def meaning_of(bindings: Bindings, control: str, phase: Phase) -> Event | None:
    """What a control means in a phase, if anything."""
    bound = bindings.get(control)
    name = bound.get(phase.value) if isinstance(bound, Mapping) else bound
    return Event(name) if name else None


def meanings(bindings: Bindings) -> set[Event]:
    """All events that a device can give."""
    bound = (value.values() if isinstance(value, Mapping) else [value] for value in bindings.values())
    return {Event(name) for names in bound for name in names if name}


def check_bindings(device: str, bindings: Bindings) -> None:
    """Raises ConfigError for events and phases that do not exist."""
    allowed, phases = sorted(event.value for event in OPERATOR_EVENTS), [phase.value for phase in Phase]
    problems: list[str] = []
    for control, bound in bindings.items():
        pairs = bound.items() if isinstance(bound, Mapping) else [("", bound)]
        for phase, event in pairs:
            if event and event not in allowed:
                problems.append(f"{device}: {control!r} is bound to {event!r}{_nearest(event, allowed)}")
            if phase and phase not in phases:
                problems.append(f"{device}: {control!r} has a meaning in {phase!r}{_nearest(phase, phases)}")
    if problems:
        raise ConfigError(problems)


def _nearest(word: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(word, allowed, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(allowed)}"
