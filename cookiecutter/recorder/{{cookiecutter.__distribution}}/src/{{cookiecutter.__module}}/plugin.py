"""What this distribution registers. Imported whenever recorders are listed, so it stays light: no writer, no I/O."""

from hilt_hooks import RecorderDescriptor, hookimpl
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


@hookimpl
def hilt_recorders() -> list[RecorderDescriptor]:
    return [
        RecorderDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}, one table an episode, without images",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.recorder:{{ cookiecutter.__class }}Recorder",
            requires=(),  # what `recorder.py` imports, for instance ("pyarrow",)
        )
    ]
