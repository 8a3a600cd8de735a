"""Where things lie in an output folder.

checkpoints/
  000100/
    pretrained_model/   config.json  model.safetensors  train_config.json  hilt.json
                        policy_preprocessor.json  policy_postprocessor.json  and their tensor files
    training_state/     training_step.json
  last -> 000100
"""

from pathlib import Path

from hilt_hooks import ConfigError

CHECKPOINTS = "checkpoints"
LAST = "last"
MODEL = "pretrained_model"
TRAINING = "training_state"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
METADATA = "hilt.json"
TRAIN_CONFIG = "train_config.json"

_BELOW = ("", MODEL, f"{LAST}/{MODEL}", f"{CHECKPOINTS}/{LAST}/{MODEL}")


def find_checkpoint(path: str | Path) -> Path:
    """The folder that holds `config.json`, for any folder of a training output.

    Accepts the folder itself, the one of its step, `checkpoints`, and the output folder; of several steps, the last.
    Raises ConfigError for anything else, a name on the Hub included: nothing is downloaded here.
    """
    start = Path(path).expanduser()
    for below in _BELOW:
        if (start / below / CONFIG).is_file():
            return start / below
    if start.is_dir():
        raise ConfigError(f"{start} holds no checkpoint: looked for {CONFIG} there and in {', '.join(_BELOW[1:])}")
    raise ConfigError(f"{path} is no folder on this machine; {_advice(path)}")


def _advice(path: str | Path) -> str:
    owner, _, name = str(path).partition("/")
    if owner and name and "/" not in name and owner not in (".", "..", "~"):
        return f"if it is a name on the Hub, run: hf download {path} --local-dir {name}, and give that folder"
    return "give the folder of a checkpoint, or the output folder of a training"


def step_name(step: int, steps: int) -> str:
    """The folder of a step, padded with zeros so that names sort: `000100`."""
    return f"{step:0{max(6, len(str(steps)))}d}"
