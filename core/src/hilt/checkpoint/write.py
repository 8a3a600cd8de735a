"""Writing a checkpoint so that it is there completely or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from numpy.typing import NDArray
from safetensors.numpy import save_file

from hilt.checkpoint.content import Metadata, identify
from hilt.checkpoint.layout import CHECKPOINTS, CONFIG, LAST, METADATA, MODEL, TRAIN_CONFIG, TRAINING, WEIGHTS, step_name
from hilt.processors.pipeline import Pipeline, save_pipeline
from hilt_hooks import ConfigError


@frozen(kw_only=True, eq=False)
class Parts:
    """All that goes into a checkpoint. config: the content of `config.json`, `type` first."""

    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[Any]]
    pipelines: tuple[Pipeline, ...]
    metadata: Metadata
    train_config: Mapping[str, Any] = field(factory=dict)
    training_step: Mapping[str, Any] = field(factory=dict)


def write_checkpoint(output: Path, parts: Parts, *, step: int, steps: int) -> Path:
    """Write `<output>/checkpoints/<step>/` and point `checkpoints/last` at it. Returns the folder with `config.json`.

    Everything is written and synced under another name and renamed at the end, the link last: a reader, or a power cut,
    finds the old checkpoint or the new one. Raises ConfigError if that step is there already.
    """
    home = output / CHECKPOINTS
    home.mkdir(parents=True, exist_ok=True)
    target = home / step_name(step, steps)
    if target.exists():
        raise ConfigError(f"{target} exists; choose another output folder")
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=home))
    try:
        _write_model(draft / MODEL, parts)
        _write_json(draft / TRAINING / "training_step.json", {"step": step, **parts.training_step})
        _sync(draft)
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _point(home / LAST, target.name)
    return target / MODEL


def _write_model(folder: Path, parts: Parts) -> None:
    folder.mkdir()
    _write_json(folder / CONFIG, parts.config)
    _write_json(folder / TRAIN_CONFIG, parts.train_config)
    save_file(dict(parts.weights), folder / WEIGHTS, metadata={"format": "pt"})
    for pipeline in parts.pipelines:
        save_pipeline(pipeline, folder)
    _write_json(folder / METADATA, evolve(parts.metadata, policy_id=identify(folder)).as_json())


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(content), indent=4, ensure_ascii=False), encoding="utf-8")


def _sync(folder: Path) -> None:
    """Every file, then the folders from the inside out, are on the disk when this returns."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in (*files, ""):
            descriptor = os.open(Path(root) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _point(link: Path, target: str) -> None:
    """Make `link` a relative symbolic link to `target`, replacing an older one in one step."""
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
