"""What this distribution registers. Imported whenever inputs are listed, so it stays light: no driver, no I/O."""

from hilt_hooks import InputDescriptor, hookimpl
from {{ cookiecutter.__module }}.config import BINDINGS, {{ cookiecutter.__class }}Config


@hookimpl
def hilt_inputs() -> list[InputDescriptor]:
    return [
        InputDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}, buttons that come as lines of text",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.input:{{ cookiecutter.__class }}Input",
            bindings=BINDINGS,
            requires=(),  # what `input.py` imports, for instance ("pyserial",)
        )
    ]
