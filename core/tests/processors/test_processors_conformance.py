"""The conformance kit on the steps that come with hilt."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from hilt.processors import Feature
from hilt.processors.normalize import NormalizerConfig
from hilt.processors.plugin import hilt_processors
from hilt.processors.steps import DeviceConfig, RenameConfig, ToBatchConfig
from hilt_hooks import Transition
from hilt_hooks.testing import Check, ProcessorRig, check_processor, conformance

FEATURES = {"observation.state": Feature("STATE", (2,)), "action": Feature("ACTION", (2,))}
STATISTICS = {
    f"{feature}.{name}": np.array(values, np.float32)
    for feature in FEATURES
    for name, values in {"min": [-1.0, 0.0], "max": [3.0, 0.0], "mean": [1.0, 2.0], "std": [0.5, 0.0]}.items()
}
EPISODE = [
    Transition(
        observation={
            "observation.state": np.array([step, 1.0], np.float32),
            "observation.images.front": np.full((3, 4, 6), step, np.float32),
        },
        action=np.array([1.0, step], np.float32),
        reward=float(step),
        truncated=step == 2,
        info={"task": f"Task {step}"},
    )
    for step in range(3)
]


def scaling(mode: str) -> NormalizerConfig:
    return NormalizerConfig(features=FEATURES, norm_map={"STATE": mode, "ACTION": mode})


CONFIGS: dict[str, list[Any]] = {
    "rename_observations_processor": [RenameConfig(rename_map={"observation.state": "observation.position"})],
    "to_batch_processor": [ToBatchConfig()],
    "device_processor": [DeviceConfig()],
    "normalizer_processor": [scaling("MEAN_STD"), scaling("MIN_MAX")],
    "unnormalizer_processor": [scaling("MEAN_STD"), scaling("MIN_MAX")],
}
PROCESSORS = {descriptor.name: descriptor for descriptor in hilt_processors()}


@contextmanager
def rig(config: Any) -> Iterator[ProcessorRig]:
    state = STATISTICS if isinstance(config, NormalizerConfig) else {}
    yield ProcessorRig(config=config, state=state, transitions=EPISODE)


def checks() -> Iterator[Check]:
    for name, configs in CONFIGS.items():
        for config in configs:
            yield from check_processor(PROCESSORS[name], partial(rig, config), module="hilt.processors.plugin")


@conformance(checks())
def test_processor(check: Check) -> None:
    check.run()


def test_all_are_checked() -> None:
    assert CONFIGS.keys() == PROCESSORS.keys()
