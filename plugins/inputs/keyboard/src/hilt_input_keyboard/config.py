"""What the keys mean unless the configuration says otherwise."""

from collections.abc import Mapping

from attrs import frozen

from hilt_hooks import Bindings, option

BINDINGS: Bindings = {
    "enter": {"ready": "start", "reset": "next"},
    "space": "pause",
    "c": "takeover",
    "i": "intervene",
    "x": "correct",
    "p": "resume",
    "s": "success",
    "f": "failure",
    "right": {"autonomous": "save", "paused": "save", "human": "save", "fault": "save", "reset": "next"},
    "left": "rerecord",
    "u": "discard_last",
    "a": "acknowledge",
    "esc": "stop",
    "q": "stop",
}
"""Where LeRobot's documentation gives a key a meaning, it has that meaning here.

No key alternates between two events: pressed once more in the phase to which it led, it does nothing, or the next
harmless thing. Space never means anything but pause.
"""


@frozen(kw_only=True)
class KeyboardConfig:
    device_path: str | None = option(None, help="Terminal to read, as `tty` prints it; by default the one hilt runs in")
    bindings: Mapping[str, str | Mapping[str, str]] = option(
        {},
        help="Key -> event, or key -> {phase: event}, over the default ones; an empty event takes a key out of use",
    )
