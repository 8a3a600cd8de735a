"""What the operator's controls mean, on inputs that are pipes."""

import os
import time
from collections.abc import Sequence

import pytest

from hilt.ipc.messages import Phase
from hilt.session.operator import HELD_S, Connected, Operator, check_bindings
from hilt.session.phases import Event
from hilt_hooks import Bindings, ConfigError, ConnectError, DeviceLost, Edge, InputEvent

BINDINGS: Bindings = {
    "p": "pause",
    "i": "intervene",
    "esc": "stop",
    "hold": {"autonomous": "intervene", "human": "correct"},
    "one": {"autonomous": "pause", "paused": "takeover"},
}


class PipeInput:
    """Controls as lines on a pipe: `+p` pressed, `-p` released. Closed: the device is gone."""

    def __init__(self, *, reports_releases: bool) -> None:
        self._releases = reports_releases
        self.gone = False
        self.reader, self.writer = os.pipe()

    @property
    def bindings(self) -> Bindings:
        return BINDINGS

    @property
    def reports_releases(self) -> bool:
        return self._releases

    def connect(self) -> None:
        if self.gone:
            raise ConnectError("unplugged")
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def disconnect(self) -> None:
        for end in (self.reader, self.writer):
            if end >= 0:
                os.close(end)
        self.reader = self.writer = -1

    def fileno(self) -> int | None:
        return self.reader

    def read(self) -> Sequence[InputEvent]:
        if self.gone:
            raise DeviceLost("unplugged")
        try:
            words = os.read(self.reader, 4096).decode().split()
        except BlockingIOError:
            return []
        edges = {"+": Edge.PRESS, "-": Edge.RELEASE}
        return [InputEvent("pipe", word[1:], edges[word[0]], time.monotonic_ns()) for word in words]

    def press(self, *words: str) -> None:
        os.write(self.writer, (" ".join(words) + " ").encode())


@pytest.fixture(params=[True, False], ids=["releases", "no releases"])
def device(request: pytest.FixtureRequest) -> PipeInput:
    return PipeInput(reports_releases=request.param)


def operator_of(*devices: PipeInput) -> Operator:
    operator = Operator([Connected(f"pipe{number}", each, each.bindings) for number, each in enumerate(devices)])
    operator.connect()
    return operator


def heard(operator: Operator, phase: Phase) -> list[Event]:
    return [event for event, _ in operator.events(lambda: phase)]


def test_a_control_means_what_it_is_bound_to_in_the_phase(device: PipeInput) -> None:
    operator = operator_of(device)
    device.press("+p", "+one", "+unbound")
    assert heard(operator, Phase.PAUSED) == [Event.PAUSE, Event.TAKEOVER]
    assert operator.can_stop()


def test_a_held_key_of_a_terminal_is_one_press() -> None:
    device = PipeInput(reports_releases=False)
    operator = operator_of(device)
    seen = []
    for _ in range(10):
        device.press("+one")
        seen += heard(operator, Phase.AUTONOMOUS)
    assert seen == [Event.PAUSE]


def test_a_hurried_pause_counts_every_time() -> None:
    device = PipeInput(reports_releases=False)
    operator = operator_of(device)
    for _ in range(4):
        device.press("+p")
        assert heard(operator, Phase.AUTONOMOUS) == [Event.PAUSE]


def test_controls_read_together_are_understood_one_after_the_other() -> None:
    device = PipeInput(reports_releases=True)
    operator = operator_of(device)
    device.press("+p", "+one")
    phases, seen = [Phase.AUTONOMOUS], []
    for event, _ in operator.events(lambda: phases[-1]):
        seen.append(event)
        phases.append(Phase.PAUSED)
    assert seen == [Event.PAUSE, Event.TAKEOVER]


def test_a_release_ends_what_the_press_began_whatever_the_phase_is_now() -> None:
    device = PipeInput(reports_releases=True)
    operator = operator_of(device)
    device.press("+hold")
    assert heard(operator, Phase.AUTONOMOUS) == [Event.INTERVENE]
    device.press("-hold")
    assert heard(operator, Phase.HUMAN) == [Event.INTERVENE_END]


def test_intervene_lasts_while_it_is_held() -> None:
    device = PipeInput(reports_releases=True)
    operator = operator_of(device)
    device.press("+i")
    assert heard(operator, Phase.AUTONOMOUS) == [Event.INTERVENE]
    device.press("-i")
    assert heard(operator, Phase.HUMAN) == [Event.INTERVENE_END]


def test_in_a_terminal_intervene_ends_when_the_key_stops_repeating() -> None:
    device = PipeInput(reports_releases=False)
    operator = operator_of(device)
    device.press("+i")
    assert heard(operator, Phase.AUTONOMOUS) == [Event.INTERVENE]
    assert heard(operator, Phase.HUMAN) == []
    event, seen_ns = operator.inputs[0].held["i"]
    operator.inputs[0].held["i"] = (event, seen_ns - int((HELD_S + 0.1) * 1e9))
    assert heard(operator, Phase.HUMAN) == [Event.INTERVENE_END]


def test_losing_the_only_input_is_an_event_and_it_comes_back(device: PipeInput) -> None:
    operator = operator_of(device)
    device.gone = True
    assert heard(operator, Phase.AUTONOMOUS) == [Event.INPUT_LOST]
    assert not operator.can_stop()
    assert "pipe0 is lost" in operator.news[0]
    assert heard(operator, Phase.PAUSED) == []
    device.gone = False
    operator.inputs[0].tried_s = 0.0
    heard(operator, Phase.PAUSED)
    assert operator.can_stop()


def test_losing_one_of_two_inputs_is_not(device: PipeInput) -> None:
    other = PipeInput(reports_releases=True)
    operator = operator_of(device, other)
    device.gone = True
    assert heard(operator, Phase.AUTONOMOUS) == []
    assert operator.can_stop()


def test_all_inputs_that_cannot_be_opened_are_named() -> None:
    devices = [PipeInput(reports_releases=True) for _ in range(2)]
    for each in devices:
        each.gone = True
    with pytest.raises(ConnectError) as error:
        operator_of(*devices)
    assert str(error.value).count("unplugged") == 2


def test_wrong_bindings_are_refused_with_the_nearest_match() -> None:
    with pytest.raises(ConfigError) as error:
        check_bindings("pedal", {"KEY_A": "puase", "KEY_B": {"autonomos": "pause"}, "KEY_C": ""})
    assert error.value.problems == (
        "pedal: 'KEY_A' is bound to 'puase'; did you mean 'pause'?",
        "pedal: 'KEY_B' has a meaning in 'autonomos'; did you mean 'autonomous'?",
    )
