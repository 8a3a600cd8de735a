"""What a checkpoint says about itself, without its weights."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen
from cattrs import BaseValidationError, Converter, transform_error

from hilt.checkpoint.layout import CONFIG, METADATA, TRAIN_CONFIG, WEIGHTS, find_checkpoint
from hilt.processors.features import Feature
from hilt_hooks import ConfigError

_converter = Converter()


@frozen(kw_only=True)
class Metadata:
    """`hilt.json`: what LeRobot's files do not say. Keys that this version does not know are ignored.

    state, actions: channel names, in the order of the network. cameras: name -> (height, width, channels) as the robot
    delivers them; the policy scales them to the size in `config.json`. datasets: what it was trained on.
    policy_id: hash of everything that decides about its actions.
    """

    state: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    fps: float | None = None
    robot_type: str | None = None
    cameras: Mapping[str, tuple[int, int, int]] = field(factory=dict)
    datasets: tuple[str, ...] = ()
    policy_id: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@frozen
class Checkpoint:
    """folder: where its files are. config: `config.json` as it is. metadata: empty if the checkpoint is not from hilt."""

    folder: Path
    type: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Feature]
    outputs: Mapping[str, Feature]
    metadata: Metadata

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS

    @cached_property
    def policy_id(self) -> str:
        """Which policy this is, as in the dataset column `hilt.policy`. Reads the weights if `hilt.json` does not say."""
        return self.metadata.policy_id or identify(self.folder)


def open_checkpoint(path: str | Path) -> Checkpoint:
    """Find and read a checkpoint. Raises ConfigError, with every problem of its files at once."""
    folder = find_checkpoint(path)
    config = read_json(folder / CONFIG)
    metadata = read_json(folder / METADATA) if (folder / METADATA).is_file() else {}
    problems: list[str] = []
    if not isinstance(config.get("type"), str):
        problems.append(f'{folder / CONFIG}: no `type`; it names the policy, for instance "type": "act"')
    inputs = _structure(config.get("input_features") or {}, Mapping[str, Feature], folder / CONFIG, "input_features", problems)
    outputs = _structure(config.get("output_features") or {}, Mapping[str, Feature], folder / CONFIG, "output_features", problems)
    known = _structure(metadata, Metadata, folder / METADATA, "", problems)
    if problems:
        raise ConfigError(problems)
    return Checkpoint(folder, config["type"], config, inputs, outputs, known)


def identify(folder: Path) -> str:
    """`act-0123456789ab`: the policy's type and a hash of its configuration, weights and processors.

    Notes about the training do not count: the same network with the same statistics is the same policy.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors") and path.name not in (METADATA, TRAIN_CONFIG):
            digest.update(path.name.encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{read_json(folder / CONFIG).get('type', 'policy')}-{digest.hexdigest()[:12]}"


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold an object, not {type(content).__name__}")
    return content


def _structure(value: Any, target: Any, path: Path, where: str, problems: list[str]) -> Any:
    try:
        return _converter.structure(value, target)
    except BaseValidationError as error:
        problems += [f"{path}: {problem}" for problem in transform_error(error, path=where or "$")]
    return None
