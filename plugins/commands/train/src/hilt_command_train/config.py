"""The flags of `hilt train`."""

from typing import ClassVar

from attrs import frozen

from hilt.config import Compatibility, device
from hilt_hooks import Typed, option

_UPLOAD = "nothing is uploaded; run: hf upload <name> <output_dir>/checkpoints/last/pretrained_model"
_LOGGED = "losses are in loss.jsonl and loss.png of the output folder"
LEROBOT = Compatibility(
    unused={
        "num_workers": "the frames are decoded once and kept in memory",
        "eval_freq": "no evaluation runs while training",
        "save_checkpoint": "the last step is always saved",
        "policy.push_to_hub": _UPLOAD,
        "policy.repo_id": _UPLOAD,
        "policy.private": _UPLOAD,
        "wandb.enable": _LOGGED,
        "wandb.project": _LOGGED,
        "wandb.entity": _LOGGED,
        "wandb.disable_artifact": _LOGGED,
    },
)
"""What LeRobot's command lines have and what changes nothing here."""


@frozen(kw_only=True)
class DatasetConfig:
    """What is learned from."""

    repo_id: str = option(help="Name of the dataset, usually <owner>/<name>")
    root: str | None = option(None, help="Folder of the dataset [default: $HF_LEROBOT_HOME/<repo_id>]")
    episodes: tuple[int, ...] | None = option(None, help="Use these episodes only")
    use_imagenet_stats: bool = option(True, help="Normalise images with the statistics of ImageNet, not the dataset's")


@frozen(kw_only=True)
class TrainConfig:
    """One training run."""

    compatibility: ClassVar[Compatibility] = LEROBOT

    dataset: DatasetConfig = option(help="What is learned from")
    policy: Typed = device("policy", help="What is trained")
    steps: int = option(100_000, help="Optimisation steps", minimum=1)
    batch_size: int = option(8, help="Samples in a step", minimum=1)
    seed: int = option(1000, help="Start of every random sequence", minimum=0)
    output_dir: str | None = option(None, help="New folder for the results [default: outputs/train/<date>/<time>_<job_name>]")
    job_name: str | None = option(None, help="Name of the run in the default folder [default: the policy's type]")
    log_freq: int = option(200, help="Steps between two entries of the log", minimum=1)
    save_freq: int = option(20_000, help="Steps between two checkpoints; the last step is always saved", minimum=1)
    threads: int | None = option(None, help="Threads that torch may use on the CPU [default: all cores]", minimum=1)
