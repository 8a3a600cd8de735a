"""A sequence of processors, and LeRobot's files for it: one JSON file, and one tensor file for each step with state.

policy_preprocessor.json
policy_preprocessor_step_3_normalizer_processor.safetensors
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from attrs import frozen
from cattrs import BaseValidationError, Converter, transform_error
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hilt.kernel import build
from hilt_hooks import ConfigError, HasState, Processor, ProcessorDescriptor, Transition

Find = Callable[[str], ProcessorDescriptor]
"""Registry name -> descriptor. Raises PluginMissing for a name that nobody registered."""

_converter = Converter(forbid_extra_keys=True)


@frozen(eq=False)
class Step:
    """A processor with what its checkpoint says about it. config: as in the file, so that it is written back unchanged."""

    name: str
    config: Mapping[str, Any]
    processor: Processor


class Pipeline:
    """Processors, one after the other. A pipeline is a processor itself."""

    def __init__(self, name: str, steps: Iterable[Step]) -> None:
        self.name = name
        self.steps = tuple(steps)

    def __call__(self, transition: Transition) -> Transition:
        for step in self.steps:
            transition = step.processor(transition)
        return transition

    def reset(self) -> None:
        for step in self.steps:
            step.processor.reset()


def make_step(name: str, config: Mapping[str, Any], state: Mapping[str, NDArray[Any]], find: Find) -> Step:
    """Build one processor. Raises PluginMissing for an unknown name and ConfigError for a wrong configuration."""
    descriptor = find(name)
    try:
        built = _converter.structure(dict(config), descriptor.config)
    except BaseValidationError as error:
        raise ConfigError([f"{name}: {problem}" for problem in transform_error(error, path="config")]) from error
    return Step(name, config, cast(Processor, build(descriptor, built, state)))


def load_pipeline(folder: Path, name: str, find: Find) -> Pipeline:
    """Read `<folder>/<name>.json` and the tensor files that it lists.

    Raises ConfigError with the file and the step for anything missing or malformed, PluginMissing for an unknown step.
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = list(content["steps"])
        title = str(content.get("name", name))
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing: the folder holds no pipeline of that name") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a pipeline file (an object with `name` and `steps`): {error}") from error
    return Pipeline(title, [_load_step(path, index, entry, find) for index, entry in enumerate(entries)])


def _load_step(path: Path, index: int, entry: Mapping[str, Any], find: Find) -> Step:
    where = f"{path}: steps[{index}]"
    if "registry_name" not in entry:
        raise ConfigError(
            f"{where}: no registry_name (found {', '.join(entry) or 'nothing'}); only registered steps can be loaded"
        )
    state: dict[str, NDArray[Any]] = {}
    if file := entry.get("state_file"):
        state = _load_state(path.parent, str(file), where)
    return make_step(str(entry["registry_name"]), entry.get("config", {}), state, find)


def _load_state(folder: Path, file: str, where: str) -> dict[str, NDArray[Any]]:
    if Path(file).name != file:
        raise ConfigError(f"{where}.state_file: {file!r} must be a file of the same folder")
    try:
        return dict(load_file(folder / file))
    except FileNotFoundError:
        raise ConfigError(f"{where}.state_file: {folder / file} is missing") from None
    except SafetensorError as error:
        raise ConfigError(f"{where}.state_file: {folder / file} is damaged: {error}") from error


def save_pipeline(pipeline: Pipeline, folder: Path) -> None:
    """Write `<folder>/<pipeline.name>.json` and its tensor files, named and laid out as LeRobot does."""
    entries = []
    for index, step in enumerate(pipeline.steps):
        entry: dict[str, Any] = {"registry_name": step.name, "config": dict(step.config)}
        state = step.processor.state() if isinstance(step.processor, HasState) else {}
        if state:
            entry["state_file"] = f"{pipeline.name}_step_{index}_{step.name}.safetensors"
            save_file({key: np.ascontiguousarray(value) for key, value in state.items()}, folder / entry["state_file"])
        entries.append(entry)
    text = json.dumps({"name": pipeline.name, "steps": entries}, indent=2)
    (folder / f"{pipeline.name}.json").write_text(text, encoding="utf-8")
