"""What this distribution registers. Imported whenever policies are listed, so it stays light: no network, no I/O."""

from hilt_hooks import PolicyDescriptor, hookimpl
from {{ cookiecutter.__module }}.config import {{ cookiecutter.__class }}Config


@hookimpl
def hilt_policies() -> list[PolicyDescriptor]:
    return [
        PolicyDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}, moves to the pose in its checkpoint",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.policy:{{ cookiecutter.__class }}Policy",
            requires=("safetensors",),  # what the factory's module and `load` import, for instance "torch"
        )
    ]
