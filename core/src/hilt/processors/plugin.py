"""The steps that come with hilt, by LeRobot's registry names."""

from collections.abc import Sequence

from hilt.processors.normalize import NormalizerConfig
from hilt.processors.steps import DeviceConfig, RenameConfig, ToBatchConfig
from hilt_hooks import ProcessorDescriptor, hookimpl

_OBSERVATION = ("observation",)
_VALUES = ("observation", "action")

DESCRIPTORS = (
    ProcessorDescriptor(
        name="rename_observations_processor",
        summary="Renames observation keys",
        config=RenameConfig,
        factory="hilt.processors.steps:Rename",
        reads=_OBSERVATION,
        writes=_OBSERVATION,
    ),
    ProcessorDescriptor(
        name="to_batch_processor",
        summary="Adds the batch dimension",
        config=ToBatchConfig,
        factory="hilt.processors.steps:ToBatch",
        reads=(*_VALUES, "info"),
        writes=(*_VALUES, "info"),
    ),
    ProcessorDescriptor(
        name="device_processor",
        summary="Kept for checkpoints; the policy chooses its device",
        config=DeviceConfig,
        factory="hilt.processors.steps:OnDevice",
    ),
    ProcessorDescriptor(
        name="normalizer_processor",
        summary="Scales values to the units of the network",
        config=NormalizerConfig,
        factory="hilt.processors.normalize:Normalizer",
        reads=_VALUES,
        writes=_VALUES,
    ),
    ProcessorDescriptor(
        name="unnormalizer_processor",
        summary="Scales values back to the units of the robot",
        config=NormalizerConfig,
        factory="hilt.processors.normalize:Unnormalizer",
        reads=_VALUES,
        writes=_VALUES,
    ),
)


@hookimpl
def hilt_processors() -> Sequence[ProcessorDescriptor]:
    return DESCRIPTORS
