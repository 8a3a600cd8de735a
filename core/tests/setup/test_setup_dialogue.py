"""What a command does for the person whom it talks with, whatever that person presses."""

import os
import signal

import pytest
from rich.console import Console

from hilt.setup.dialogue import Dialogue, Standing, to_the_end
from hilt_hooks import ConfigError


def test_what_has_begun_is_finished_before_it_is_interrupted() -> None:
    done: list[str] = []

    def write() -> None:
        with to_the_end():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("the last register")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["the last register"]


def test_an_interruption_says_how_things_are_by_then() -> None:
    standing = Standing("nothing was written")

    def write() -> None:
        with standing.told():
            standing.now = "half of it was written"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        write()
    assert caught.value.__notes__ == ["half of it was written"]


def test_without_a_terminal_there_is_nobody_to_talk_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(ConfigError, match="hilt calibrate leads you through it"):
            Dialogue(Console(), "hilt calibrate")
