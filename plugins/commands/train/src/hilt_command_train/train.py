"""One training, from a configuration to a checkpoint."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import torch
from attrs import frozen
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from hilt.checkpoint import Metadata, Parts, write_checkpoint
from hilt.config import dump
from hilt.kernel import load
from hilt_command_train.config import TrainConfig
from hilt_command_train.journal import Journal
from hilt_command_train.loop import optimise
from hilt_command_train.samples import Samples
from hilt_command_train.source import Source, check_memory, frame_count, load_samples, open_source
from hilt_command_train.trainable import Trainable, Trainer
from hilt_hooks import ConfigError, PolicyDescriptor


@frozen
class Result:
    """checkpoint: the folder with `config.json`. first, last: mean loss of the first and the last log entry."""

    checkpoint: Path
    first: float
    last: float


def trainer_of(descriptor: PolicyDescriptor) -> Trainer:
    """The class that trains a policy. Raises ConfigError if its plugin has none."""
    if descriptor.trainer is None:
        raise ConfigError(f"policy.type: {descriptor.name!r} cannot be trained: its plugin registers no trainer")
    return cast(Trainer, load(descriptor, descriptor.trainer))


def train(config: TrainConfig, trainer: Trainer, console: Console) -> Result:
    """Train as configured. Everything about dataset and network is checked before the output folder is made.

    Raises ConfigError for what cannot be trained, HiltError if the training diverges.
    """
    output, source, trainable = prepare(config, trainer)
    with _bars(console) as bars:
        reading = bars.add_task("reading frames", total=frame_count(source), loss="")
        samples = load_samples(source, trainable.inputs, lambda done: bars.update(reading, completed=done))
        source.dataset.close()
        bars.update(reading, completed=len(samples))
        output.mkdir(parents=True)
        return _Run(config, source, trainable, output).go(samples, trainer.gradient_clip, bars)


def prepare(config: TrainConfig, trainer: Trainer) -> tuple[Path, Source, Trainable]:
    """The folder for the results, the open dataset, and the untrained network. Writes nothing.

    Raises ConfigError for what cannot be trained.
    """
    output = _output(config)
    if output.exists():
        raise ConfigError(f"output_dir: {output} exists; choose a new folder")
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads or os.cpu_count() or 1)
    source = open_source(config.dataset)
    trainable = trainer(config.policy.config, source.inputs, source.outputs, source.statistics)
    check_memory(source, trainable.inputs)
    return output, source, trainable


class _Run:
    """What the steps of one training share."""

    def __init__(self, config: TrainConfig, source: Source, trainable: Trainable, output: Path) -> None:
        self._config = config
        self._source = source
        self._trainable = trainable
        self._output = output

    def go(self, samples: Samples, gradient_clip: float, bars: Bars) -> Result:
        config = self._config
        journal = Journal(self._output)
        task = bars.add_task("training", total=config.steps, loss="")
        steps = optimise(
            self._trainable,
            samples,
            steps=config.steps,
            batch_size=config.batch_size,
            seed=config.seed,
            gradient_clip=gradient_clip,
        )
        checkpoint = self._output
        for progress in steps:
            journal.add(progress.parts)
            bars.update(task, completed=progress.step, loss=f"loss {progress.parts['loss']:.3f}")
            final = progress.step == config.steps
            if final or progress.step % config.log_freq == 0:
                journal.write(progress.step)
            if final or progress.step % config.save_freq == 0:
                checkpoint = self._save(progress.step)
        journal.plot()
        return Result(checkpoint, journal.entries[0]["loss"], journal.entries[-1]["loss"])

    def _save(self, step: int) -> Path:
        description, weights = self._trainable.checkpoint()
        parts = Parts(
            config=description,
            weights=weights,
            pipelines=self._trainable.pipelines,
            metadata=self._metadata(),
            train_config=dump(self._config),
            training_step={"batch_size": self._config.batch_size},
        )
        return write_checkpoint(self._output, parts, step=step, steps=self._config.steps)

    def _metadata(self) -> Metadata:
        info: Any = self._source.dataset.info
        return Metadata(
            state=self._source.state,
            actions=self._source.actions,
            fps=float(info["fps"]),
            robot_type=info.get("robot_type"),
            cameras=self._source.cameras,
            datasets=(self._config.dataset.repo_id,),
        )


def _output(config: TrainConfig) -> Path:
    if config.output_dir:
        return Path(config.output_dir).expanduser()
    return Path("outputs/train") / datetime.now().strftime(f"%Y-%m-%d/%H-%M-%S_{config.job_name or config.policy.type}")


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description:>15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        console=console,
    )
