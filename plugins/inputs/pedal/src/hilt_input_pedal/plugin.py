"""What this distribution provides."""

from collections.abc import Sequence

from hilt_hooks import InputDescriptor, hookimpl
from hilt_input_pedal.config import BINDINGS, PedalConfig


@hookimpl
def hilt_inputs() -> Sequence[InputDescriptor]:
    return [
        InputDescriptor(
            name="pedal",
            summary="Foot pedals on USB (PCsensor and others that act as a keyboard); Linux",
            config=PedalConfig,
            factory="hilt_input_pedal.pedal:Pedal",
            bindings=BINDINGS,
            requires=("evdev",),
        )
    ]
