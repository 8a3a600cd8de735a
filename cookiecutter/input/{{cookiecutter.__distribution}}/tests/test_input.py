"""Buttons over a FIFO."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilt_hooks import ConnectError, DeviceLost, Edge, Input
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config
from {{ cookiecutter.__module }}.input import {{ cookiecutter.__class }}Input
from {{ cookiecutter.__module }}.plugin import hilt_inputs

PRESS, RELEASE = Edge.PRESS, Edge.RELEASE


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "buttons")
    return tmp_path / "buttons"


@pytest.fixture
def buttons(fifo: Path) -> Iterator[{{ cookiecutter.__class }}Input]:
    buttons = {{ cookiecutter.__class }}Input({{ cookiecutter.__class }}Config(path=fifo))
    buttons.connect()
    yield buttons
    buttons.disconnect()


@pytest.fixture
def box(fifo: Path, buttons: {{ cookiecutter.__class }}Input) -> Iterator[int]:
    """The other end."""
    box = os.open(fifo, os.O_WRONLY)
    yield box
    os.close(box)


def moved(buttons: {{ cookiecutter.__class }}Input) -> list[tuple[str, Edge]]:
    return [(event.control, event.edge) for event in buttons.read()]


def test_lines_become_presses_and_releases(buttons: {{ cookiecutter.__class }}Input, box: int) -> None:
    assert isinstance(buttons, Input)
    assert moved(buttons) == []
    os.write(box, b"press red\nrelease red\npress blue\n")
    assert moved(buttons) == [("red", PRESS), ("red", RELEASE), ("blue", PRESS)]


def test_a_line_that_comes_in_parts_is_one_event(buttons: {{ cookiecutter.__class }}Input, box: int) -> None:
    os.write(box, b"press r")
    assert moved(buttons) == []
    os.write(box, b"ed\nrel")
    assert moved(buttons) == [("red", PRESS)]


def test_other_lines_are_logged(buttons: {{ cookiecutter.__class }}Input, box: int, caplog: pytest.LogCaptureFixture) -> None:
    os.write(box, b"boot v2\npress red\n\xff\n")
    assert moved(buttons) == [("red", PRESS)]
    assert "boot v2" in caplog.text


def test_buttons_that_nobody_can_press_are_lost(buttons: {{ cookiecutter.__class }}Input, fifo: Path) -> None:
    with pytest.raises(DeviceLost, match="nobody writes"):
        buttons.read()
    buttons.disconnect()
    with pytest.raises(DeviceLost, match="not connected"):
        buttons.read()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="missing"):
        {{ cookiecutter.__class }}Input({{ cookiecutter.__class }}Config(path=tmp_path / "missing")).connect()


def test_the_defaults_are_what_the_descriptor_says_and_can_be_changed(fifo: Path) -> None:
    (descriptor,) = hilt_inputs()
    assert {{ cookiecutter.__class }}Input({{ cookiecutter.__class }}Config(path=fifo)).bindings == descriptor.bindings
    changed = {{ cookiecutter.__class }}Input({{ cookiecutter.__class }}Config(path=fifo, bindings={"white": "", "red": "pause"}))
    assert changed.bindings["red"] == "pause"
    assert "white" not in changed.bindings


def test_the_session_knows_every_event_and_phase_and_can_be_stopped() -> None:
    operator = pytest.importorskip("hilt.session.operator", reason="needs the core: pip install hilt")
    (descriptor,) = hilt_inputs()
    operator.check_bindings(descriptor.name, descriptor.bindings)
    assert "stop" in operator.meanings(descriptor.bindings)
