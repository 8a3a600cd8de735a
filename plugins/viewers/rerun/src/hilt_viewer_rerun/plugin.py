"""What this distribution provides."""

from collections.abc import Sequence

from hilt_hooks import ViewerDescriptor, hookimpl
from hilt_viewer_rerun.config import RerunConfig


@hookimpl
def hilt_viewers() -> Sequence[ViewerDescriptor]:
    return [
        ViewerDescriptor(
            name="rerun",
            summary="Rerun: joint curves, camera images and phases, in a window, on another machine or in a file",
            config=RerunConfig,
            factory="hilt_viewer_rerun.viewer:RerunViewer",
            requires=("rerun-sdk",),
        )
    ]
