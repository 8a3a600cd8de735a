"""What the pedals mean unless the configuration says otherwise."""

from collections.abc import Mapping

from attrs import frozen

from hilt_hooks import Bindings, option

BINDINGS: Bindings = {
    "KEY_A": "pause",
    "KEY_B": {"autonomous": "takeover", "paused": "takeover", "human": "correct", "reset": "takeover", "fault": "acknowledge"},
    "KEY_C": {"ready": "start", "autonomous": "save", "paused": "resume", "human": "resume", "reset": "next"},
}
"""Left: the arm stops, whatever it does and however often the pedal is stamped on. Middle: the human's. Right: it goes on.

Only the right pedal makes the arm move by itself, and never out of a fault.
"""


@frozen(kw_only=True)
class PedalConfig:
    device_path: str = option(
        "/dev/input/by-id/usb-PCsensor_FootSwitch-event-kbd", help="The pedal's event device, best by its name under by-id"
    )
    bindings: Mapping[str, str | Mapping[str, str]] = option(
        {},
        help="Key code, such as KEY_A -> event, or -> {phase: event}, over the default ones; "
        "an empty event takes a pedal out of use",
    )
