"""What this distribution adds to hilt."""

from collections.abc import Sequence

from hilt_hooks import PolicyDescriptor, hookimpl
from hilt_policy_act.config import ACTRuntime


@hookimpl
def hilt_policies() -> Sequence[PolicyDescriptor]:
    return [
        PolicyDescriptor(
            name="act",
            summary="Action Chunking with Transformers: images and joint state in, a chunk of joint targets out",
            config=ACTRuntime,
            factory="hilt_policy_act.policy:ACT",
            trainer="hilt_policy_act.training:ACTTrainer",
            requires=("torch",),
        )
    ]
