"""The pair of pipelines that LeRobot gives to ACT and its relatives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hilt.processors.features import Feature
from hilt.processors.find import installed
from hilt.processors.pipeline import Find, Pipeline, make_step
from hilt.processors.steps import State

PREPROCESSOR = "policy_preprocessor"
POSTPROCESSOR = "policy_postprocessor"


def standard_pipelines(
    inputs: Mapping[str, Feature],
    outputs: Mapping[str, Feature],
    modes: Mapping[str, str],
    statistics: Mapping[str, Mapping[str, ArrayLike]],
    find: Find = installed,
) -> tuple[Pipeline, Pipeline]:
    """Normalise on the way in, unnormalise on the way out.

    modes: feature type -> normalisation. statistics: feature -> statistic -> values, of the whole dataset.
    """
    device = {"device": "cpu", "float_dtype": None}
    state: State = {
        f"{feature}.{name}": np.asarray(value, dtype=np.float32)
        for feature, named in sorted(statistics.items())
        for name, value in sorted(named.items())
    }
    before = Pipeline(
        PREPROCESSOR,
        [
            make_step("rename_observations_processor", {"rename_map": {}}, {}, find),
            make_step("to_batch_processor", {}, {}, find),
            make_step("device_processor", device, {}, find),
            make_step("normalizer_processor", _scaling({**inputs, **outputs}, modes), state, find),
        ],
    )
    after = Pipeline(
        POSTPROCESSOR,
        [
            make_step("unnormalizer_processor", _scaling(outputs, modes), state, find),
            make_step("device_processor", device, {}, find),
        ],
    )
    return before, after


def _scaling(features: Mapping[str, Feature], modes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "eps": 1e-8,
        "features": {name: feature.as_json() for name, feature in features.items()},
        "norm_map": dict(modes),
    }
