"""`hilt train`: the configuration of the command, which depends on what is trained."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from hilt.cli import ConfigApp, registry_of

if TYPE_CHECKING:
    from hilt.config import Reading
    from hilt.kernel import Registry
    from hilt_command_train.trainable import Trainer
    from hilt_hooks import PolicyDescriptor

SUMMARY = "Train a policy on recorded episodes. The result is a checkpoint folder in LeRobot's layout."


class TrainApp(ConfigApp):
    """The policy's fields are those of its trainer, and a preset gives some of them other defaults."""

    def read(self, argv: list[str], registry: "Registry", note: Callable[[str], None]) -> "Reading[Any]":
        trainable = self._trainable(argv, registry)
        return super().read([*argv, *self._preset(argv, registry)], trainable, note)

    def _invoke(self, context: typer.Context) -> int:
        if "--help" not in context.args and "-h" not in context.args:
            return super()._invoke(context)
        from hilt.cli.help import render

        argv = [word for word in context.args if word not in ("--help", "-h")]
        typer.echo(render(self.name, self.summary, self.config, argv, self._trainable(argv, registry_of(context))))
        return 0

    def _trainable(self, argv: list[str], registry: "Registry") -> "Registry":
        """The policies that have a trainer; the one that `argv` names with the fields of its trainer."""
        from attrs import evolve

        from hilt.kernel import Registry
        from hilt_hooks import PolicyDescriptor

        wanted = str(self._given(argv, registry).get("type", ""))
        return Registry.of(
            *(
                evolve(policy, config=_trainer_of(policy).config) if wanted in (policy.name, *policy.aliases) else policy
                for policy in registry.all(PolicyDescriptor)
                if policy.trainer is not None
            )
        )

    def _preset(self, argv: list[str], registry: "Registry") -> list[str]:
        """The flags that the preset stands for, without those that are given."""
        from hilt_hooks import PolicyDescriptor

        given = self._given(argv, registry)
        if "preset" not in given or not registry.has("policy", str(given.get("type"))):
            return []
        presets = _trainer_of(registry.find(PolicyDescriptor, str(given["type"]))).presets
        values = presets.get(str(given["preset"]), {})
        return [f"--policy.{name}={json.dumps(value)}" for name, value in values.items() if name not in given]

    def _given(self, argv: list[str], registry: "Registry") -> Mapping[str, Any]:
        """What the command line and its files say about the policy, unchecked."""
        from hilt.config import gather

        policy = gather(self.config, argv, registry).data.get("policy")
        return policy if isinstance(policy, Mapping) else {}


def _trainer_of(policy: "PolicyDescriptor") -> "Trainer":
    """Imports torch: not before a policy is named."""
    from hilt_command_train.train import trainer_of

    return trainer_of(policy)


_RUN = "hilt_command_train.run"

app = TrainApp("train", "hilt_command_train.config:TrainConfig", f"{_RUN}:run", SUMMARY, check=f"{_RUN}:check")
