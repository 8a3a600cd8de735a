"""What `hilt train` does once its configuration is right."""

import time

from rich.console import Console

from hilt.kernel import Registry
from hilt_command_train.config import TrainConfig
from hilt_command_train.train import train, trainer_of
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
