"""`hilt train` on real datasets, from the command line to a policy that runs."""

import json
from pathlib import Path

import numpy as np
import pytest
from train_datasets import circle, write_dataset

from hilt.checkpoint import open_checkpoint
from hilt.cli import main
from hilt_command_train.journal import LOG, PLOT
from hilt_hooks import Observation, Vector
from hilt_policy_act.config import ACTRuntime
from hilt_policy_act.policy import ACT

GOLDEN = Path(__file__).parents[4] / "../shared/golden/lerobot_v3_dataset"
FALL = 5
"""By which factor the error falls while the network learns two short episodes by heart."""

SMALL = ["--policy.chunk_size=8", "--policy.n_action_steps=8", "--policy.dim_model=32", "--policy.dim_feedforward=64"]
STEPS = 200


def command(root: Path, output: Path, *more: str) -> list[str]:
    flags = [f"--dataset.root={root}", f"--output_dir={output}", *more]
    return [
        "train",
        "--policy.type=act",
        "--policy.preset=tiny",
        "--policy.device=cpu",
        "--dataset.repo_id=me/set",
        "--threads=1",
        *flags,
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The output folder of a training on a point that goes round."""
    home = tmp_path_factory.mktemp("train")
    root = write_dataset(home / "set")
    output = home / "run"
    assert main(command(root, output, f"--steps={STEPS}", "--log_freq=20", "--save_freq=150", *SMALL)) == 0
    return output


def entries(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / LOG).read_text().splitlines()]


def test_the_error_falls(trained):
    log = entries(trained)
    assert [entry["step"] for entry in log] == list(range(20, STEPS + 1, 20))
    assert log[-1]["l1"] < log[0]["l1"] / FALL
    assert (trained / PLOT).stat().st_size > 0


def test_the_policy_goes_on_where_the_dataset_goes(trained):
    policy = ACT(ACTRuntime(device="cpu"), trained)
    policy.load()
    path = circle(40, 0)
    errors = []
    for frame in range(15, 30, 5):
        prediction = policy.predict(Observation(0, Vector(("a.pos", "b.pos"), path[frame]), {}))
        errors.append(np.abs(prediction.actions - path[frame + 1 : frame + 9]).mean())
    assert max(errors) < 5, "of a circle with radius 30"


def test_the_checkpoint_says_where_it_comes_from(trained):
    checkpoint = open_checkpoint(trained)
    known = checkpoint.metadata
    assert (known.state, known.fps, known.robot_type, known.datasets) == (("a.pos", "b.pos"), 10.0, "two_joints", ("me/set",))
    assert sorted(path.name for path in (trained / "checkpoints").iterdir()) == ["000150", "000200", "last"]
    config = json.loads((checkpoint.folder / "train_config.json").read_text())
    assert (config["policy"]["type"], config["policy"]["dim_model"], config["steps"]) == ("act", 32, STEPS)


def test_the_same_seed_gives_the_same_losses(tmp_path):
    root = write_dataset(tmp_path / "set")
    losses = []
    for name in ("one", "two"):
        assert main(command(root, tmp_path / name, "--steps=6", "--log_freq=2", *SMALL)) == 0
        losses.append([entry["loss"] for entry in entries(tmp_path / name)])
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden data is not on this machine")
def test_images_are_learned_from_at_the_size_that_the_policy_is_given(tmp_path):
    assert main(command(GOLDEN, tmp_path / "run", "--steps=2", "--batch_size=2", "--policy.resize=[32, 48]", *SMALL)) == 0
    policy = ACT(ACTRuntime(device="cpu"), tmp_path / "run")
    assert policy.spec.images == {"front": (96, 128, 3), "wrist": (96, 128, 3)}
    policy.load()
    images = {name: np.full((96, 128, 3), 90, np.uint8) for name in policy.spec.images}
    prediction = policy.predict(Observation(0, Vector(policy.spec.state, np.zeros(6)), images))
    assert prediction.actions.shape == (8, 6)
    assert np.isfinite(prediction.actions).all()
    assert open_checkpoint(tmp_path / "run").inputs["observation.images.front"].shape == (3, 32, 48)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--policy.chunk_sice=3"], "chunk_size"),
        (["--policy.preset=huge"], "policy.preset"),
        (["--dataset.episodes=[7]"], "it has the episodes 0 to 1"),
        (["--policy.n_heads=3"], "dim_model: 64 must be a multiple of 4 and of n_heads (3)"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(more, message, tmp_path, capsys):
    root = write_dataset(tmp_path / "set")
    assert main(command(root, tmp_path / "run", "--steps=1", *more)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden data is not on this machine")
@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["train", "dry run"])
def test_images_that_do_not_fit_into_memory_are_refused_by_a_dry_run_too(more, tmp_path, capsys):
    assert main(command(GOLDEN, tmp_path / "run", "--policy.resize=[500000, 500000]", *SMALL, *more)) == 2
    assert "GiB of memory, and this machine has" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_output_folder_is_not_written_twice(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    assert main(command(write_dataset(tmp_path / "set"), tmp_path / "run", "--steps=1")) == 2
    assert "exists; choose a new folder" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path, capsys):
    root = write_dataset(tmp_path / "set")
    assert main(command(root, tmp_path / "run", "--steps=9", "--policy.optimizer_lr=1e30", *SMALL)) == 1
    assert "the loss is nan at step" in capsys.readouterr().err
    assert not (tmp_path / "run/checkpoints").exists()


def test_help_lists_the_fields_of_what_is_trained(capsys):
    assert main(["train", "--policy.type=act", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--policy.chunk_size=100" in shown
    assert "--policy.preset" in shown
    assert main(["train", "--help"]) == 0
    assert "--policy.type" in capsys.readouterr().out
