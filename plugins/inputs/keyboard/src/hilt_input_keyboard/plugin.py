"""What this distribution provides."""

from collections.abc import Sequence

from hilt_hooks import InputDescriptor, hookimpl
from hilt_input_keyboard.config import BINDINGS, KeyboardConfig


@hookimpl
def hilt_inputs() -> Sequence[InputDescriptor]:
    return [
        InputDescriptor(
            name="keyboard",
            summary="Keys of a terminal, also over SSH, in tmux and without a display",
            config=KeyboardConfig,
            factory="hilt_input_keyboard.keyboard:Keyboard",
            bindings=BINDINGS,
        )
    ]
