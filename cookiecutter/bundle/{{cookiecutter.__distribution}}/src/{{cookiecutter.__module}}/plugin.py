"""What this distribution registers. Imported by every command, so it stays light.

The lab's own rules go here too: `hilt_filter_action`, `hilt_episode_saved` and the other hooks of `hilt_hooks.specs`.
"""

from attrs import frozen

from hilt_hooks import BundleDescriptor, hookimpl


@frozen
class {{ cookiecutter.__class }}Config:
    """Nothing: what can differ is changed with flags behind `--station={{ cookiecutter.__type }}`."""


@hookimpl
def hilt_bundles() -> list[BundleDescriptor]:
    return [
        BundleDescriptor(
            name="{{ cookiecutter.__type }}",
            summary="{{ cookiecutter.name }}: an SO-101 pair with a camera, limited to the table",
            config={{ cookiecutter.__class }}Config,
            factory="{{ cookiecutter.__module }}.station:station",
        )
    ]
