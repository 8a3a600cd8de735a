"""Pipelines around a policy: LeRobot's processor files, in numpy."""

from hilt.processors.features import ACTION, Feature, camera_of
from hilt.processors.find import installed
from hilt.processors.images import resize, to_network
from hilt.processors.inputs import policy_transition
from hilt.processors.pipeline import Find, Pipeline, Step, load_pipeline, make_step, save_pipeline
from hilt.processors.standard import POSTPROCESSOR, PREPROCESSOR, standard_pipelines

__all__ = [
    "ACTION",
    "POSTPROCESSOR",
    "PREPROCESSOR",
    "Feature",
    "Find",
    "Pipeline",
    "Step",
    "camera_of",
    "installed",
    "load_pipeline",
    "make_step",
    "policy_transition",
    "resize",
    "save_pipeline",
    "standard_pipelines",
    "to_network",
]
