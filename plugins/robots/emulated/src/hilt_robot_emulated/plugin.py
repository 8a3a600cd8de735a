"""Registers the camera of the bench and the scripted operator."""

from collections.abc import Sequence

from hilt_hooks import CameraDescriptor, InputDescriptor, hookimpl
from hilt_robot_emulated.config import BINDINGS, EmulatedCameraConfig, ScriptedConfig

_REQUIRES = ("hilt-robot-emulated",)


@hookimpl
def hilt_cameras() -> Sequence[CameraDescriptor]:
    return [
        CameraDescriptor(
            name="emulated",
            summary="A camera of a running bench",
            config=EmulatedCameraConfig,
            factory="hilt_robot_emulated.camera:EmulatedCamera",
            requires=_REQUIRES,
        )
    ]


@hookimpl
def hilt_inputs() -> Sequence[InputDescriptor]:
    return [
        InputDescriptor(
            name="scripted",
            summary="An operator on a running bench who follows a script",
            config=ScriptedConfig,
            factory="hilt_robot_emulated.scripted:ScriptedOperator",
            requires=_REQUIRES,
            bindings=BINDINGS,
            scripted=True,
        )
    ]
