"""What `hilt train` does once its configuration is right."""

import time

from rich.console import Console

from hilt.kernel import Registry
from hilt_command_train.config import TrainConfig
from hilt_command_train.source import frame_count
from hilt_command_train.train import prepare, train, trainer_of
from hilt_hooks import PolicyDescriptor


def run(config: TrainConfig, registry: Registry, console: Console) -> None:
    """Train, and say in one line what came out."""
    started = time.monotonic()
    trainer = trainer_of(registry.find(PolicyDescriptor, config.policy.type))
    result = train(config, trainer, console)
    console.print(
        f"{config.policy.type}: {config.steps} steps in {time.monotonic() - started:.0f} s, "
        f"loss {result.first:.3g} -> {result.last:.3g}; run it with --policy.path={result.checkpoint}",
        soft_wrap=True,
    )


def check(config: TrainConfig, registry: Registry) -> str:
    """What would be trained. Raises what the training would raise before it starts; reads the dataset, writes nothing."""
    output, source, trainable = prepare(config, trainer_of(registry.find(PolicyDescriptor, config.policy.type)))
    frames, episodes = frame_count(source), len(source.episodes)
    source.dataset.close()
    parameters = sum(parameter.numel() for parameter in trainable.network.parameters())
    return (
        f"dataset  {source.dataset.root}: {episodes} episodes, {frames} frames\n"
        f"policy   {config.policy.type}, {parameters:,} parameters; sees {', '.join(trainable.inputs)}\n"
        f"steps    {config.steps} of {config.batch_size} samples\n"
        f"output   {output}\n"
    )
