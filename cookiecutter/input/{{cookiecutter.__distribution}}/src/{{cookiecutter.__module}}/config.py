"""What the buttons mean unless the configuration says otherwise."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from hilt_hooks import Bindings, option

BINDINGS: Bindings = {
    "red": "stop",
    "white": "pause",
    "blue": {"autonomous": "takeover", "paused": "takeover", "human": "correct", "fault": "acknowledge"},
    "green": {"ready": "start", "paused": "resume", "human": "resume", "autonomous": "success", "reset": "next"},
}
"""Button -> session event, or -> {phase: event}. Without a `stop` somewhere, no session starts.

A button does not alternate between two events: pressed twice by mistake, it must do no harm.
"""


@frozen(kw_only=True)
class {{ cookiecutter.__class }}Config:
    path: Path = option(help="FIFO, or device file, that gives the lines `press NAME` and `release NAME`")
    bindings: Mapping[str, str | Mapping[str, str]] = option(
        {}, help="Button -> event, or -> {phase: event}, over the default ones; an empty event takes a button out of use"
    )
