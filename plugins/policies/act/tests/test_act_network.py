"""The network: its parameters, its image positions, its frozen statistics, its loss."""

import math

import pytest
import torch
from act_checkpoints import INPUTS, SMALL, trainer
from attrs import evolve
from safetensors.torch import save_file

from hilt.processors import Feature
from hilt_hooks import ConfigError
from hilt_policy_act.config import ACTConfig, check, read_config
from hilt_policy_act.embedding import image_positions
from hilt_policy_act.network import ACTNetwork
from hilt_policy_act.resnet import FrozenBatchNorm, ResNet18, calibrate
from hilt_policy_act.training import ACTTrainer

STATE, ACTIONS, WIDTH = 2, 2, 512


@pytest.fixture(scope="module")
def shapes() -> dict[str, tuple[int, ...]]:
    """Of LeRobot's default network: two joints, one camera."""
    inputs = {"observation.state": Feature("STATE", (STATE,)), "observation.images.top": Feature("VISUAL", (3, 480, 640))}
    with torch.device("meta"):
        network = ACTNetwork(ACTConfig(), inputs, {"action": Feature("ACTION", (ACTIONS,))})
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def test_the_default_network_has_lerobots_size(shapes):
    assert len(shapes) == 234
    with torch.device("meta"):
        inputs = {"observation.state": Feature("STATE", (STATE,)), "observation.images.top": Feature("VISUAL", (3, 480, 640))}
        network = ACTNetwork(ACTConfig(), inputs, {"action": Feature("ACTION", (ACTIONS,))})
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 1) == 51.6


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("action_head.weight", (ACTIONS, WIDTH)),
        ("backbone.conv1.weight", (64, 3, 7, 7)),
        ("backbone.bn1.running_var", (64,)),
        ("backbone.layer1.0.conv1.weight", (64, 64, 3, 3)),
        ("backbone.layer2.0.downsample.0.weight", (128, 64, 1, 1)),
        ("backbone.layer2.0.downsample.1.running_mean", (128,)),
        ("backbone.layer4.1.bn2.bias", (512,)),
        ("encoder.layers.3.self_attn.in_proj_weight", (1536, WIDTH)),
        ("encoder.layers.0.self_attn.out_proj.bias", (WIDTH,)),
        ("encoder.layers.0.linear1.weight", (3200, WIDTH)),
        ("encoder.layers.0.linear2.weight", (WIDTH, 3200)),
        ("encoder.layers.0.norm2.weight", (WIDTH,)),
        ("decoder.layers.0.multihead_attn.in_proj_bias", (1536,)),
        ("decoder.layers.0.norm3.bias", (WIDTH,)),
        ("decoder.norm.weight", (WIDTH,)),
        ("decoder_pos_embed.weight", (100, WIDTH)),
        ("encoder_1d_feature_pos_embed.weight", (2, WIDTH)),
        ("encoder_img_feat_input_proj.weight", (WIDTH, 512, 1, 1)),
        ("encoder_latent_input_proj.weight", (WIDTH, 32)),
        ("encoder_robot_state_input_proj.weight", (WIDTH, STATE)),
        ("vae_encoder.layers.3.norm1.weight", (WIDTH,)),
        ("vae_encoder_cls_embed.weight", (1, WIDTH)),
        ("vae_encoder_robot_state_input_proj.weight", (WIDTH, STATE)),
        ("vae_encoder_action_input_proj.weight", (WIDTH, ACTIONS)),
        ("vae_encoder_latent_output_proj.weight", (64, WIDTH)),
        ("vae_encoder_pos_enc", (1, 102, WIDTH)),
    ],
)
def test_keys_and_shapes_are_lerobots(shapes, key, shape):
    assert shapes[key] == shape


def test_no_key_counts_batches_and_the_encoder_has_no_final_norm(shapes):
    assert not [key for key in shapes if key.endswith("num_batches_tracked") or key.startswith("encoder.norm")]


def test_image_positions_say_y_then_x_in_row_order():
    height, width, channels = 3, 5, 16
    grid = image_positions(height, width, channels).reshape(height, width, channels)
    y, x = 2, 3
    for half, index, count in ((0, y, height), (8, x, width)):
        for pair in range(4):
            angle = (index + 1) / (count + 1e-6) * 2 * math.pi / 10000 ** (2 * pair / 8)
            assert grid[y, x, half + 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert grid[y, x, half + 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_calibration_gives_every_layer_a_normal_output():
    torch.manual_seed(0)
    network = ResNet18()
    images = torch.rand(8, 3, 64, 64) * 4 - 1
    calibrate(network, images)
    outputs: list[torch.Tensor] = []
    for module in network.modules():
        if isinstance(module, FrozenBatchNorm):
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    network(images)
    assert len(outputs) == 20
    for output in outputs:
        assert output.mean(dim=(0, 2, 3)).abs().max() < 1e-2
        assert (output.var(dim=(0, 2, 3)) - 1).abs().max() < 0.05


def batch(rows: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "observation.state": torch.randn(rows, 2),
        "observation.images.front": torch.randn(rows, 3, 32, 48),
        "action": torch.randn(rows, SMALL.chunk_size, 2),
        "action_is_pad": torch.zeros(rows, SMALL.chunk_size, dtype=torch.bool),
    }


def test_padding_changes_neither_the_loss_nor_the_latent():
    made = trainer(evolve(SMALL, dropout=0.0))
    made.network.train()
    one = batch()
    one["action_is_pad"][:, 4:] = True
    other = one | {"action": one["action"].clone()}
    other["action"][:, 4:] = 1e3
    losses = []
    for each in (one, other):
        torch.manual_seed(3)
        losses.append(made.loss(each)[0].item())
    assert losses[0] == losses[1]


def test_without_the_variational_encoder_there_is_no_latent_loss():
    made = trainer(evolve(SMALL, use_vae=False))
    loss, parts = made.loss(batch())
    assert list(parts) == ["l1"]
    assert parts["l1"] == loss.item()
    assert not [key for key in made.network.state_dict() if key.startswith("vae_encoder")]


@pytest.mark.parametrize("pre_norm", [False, True])
def test_every_parameter_learns(pre_norm):
    made = trainer(evolve(SMALL, pre_norm=pre_norm))
    made.loss(batch())[0].backward()
    assert [name for name, parameter in made.network.named_parameters() if parameter.grad is None] == []


def test_cameras_seen_together_or_one_by_one_give_the_same_actions(monkeypatch):
    cameras = {f"observation.images.{name}": Feature("VISUAL", (3, 32, 48)) for name in ("left", "right")}
    torch.manual_seed(2)
    network = ACTNetwork(SMALL, cameras, {"action": Feature("ACTION", (2,))}).eval()
    images = {name: torch.rand(2, 3, 32, 48) for name in cameras}
    with torch.inference_mode():
        together = network(images).actions
        monkeypatch.setattr(network, "_see", lambda images: [network.backbone(image) for image in images])
        torch.testing.assert_close(network(images).actions, together, rtol=1e-4, atol=1e-5)


def test_cameras_may_have_different_sizes():
    inputs = {
        f"observation.images.{name}": Feature("VISUAL", (3, *size)) for name, size in (("far", (64, 64)), ("near", (32, 48)))
    }
    made = ACTTrainer(evolve(SMALL, resize=None), inputs, {"action": Feature("ACTION", (2,))}, {})
    images = {name: torch.rand(2, *feature.shape) for name, feature in inputs.items()}
    rest = {"action": torch.rand(2, 6, 2), "action_is_pad": torch.zeros(2, 6, dtype=torch.bool)}
    made.prepare(images)
    assert made.loss(images | rest)[0].isfinite()


def test_images_are_scaled_to_the_size_of_the_network():
    assert trainer().inputs["observation.images.front"].shape == (3, 32, 48)
    assert trainer(evolve(SMALL, resize=None)).inputs == INPUTS


def torchvision_weights() -> dict[str, torch.Tensor]:
    """As the files of torchvision are: with a classifier, and with counts of batches."""
    torch.manual_seed(11)
    extra = {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000), "bn1.num_batches_tracked": torch.tensor(3)}
    return ResNet18().state_dict() | extra


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_image_network_starts_from_a_file(suffix, tmp_path):
    weights, path = torchvision_weights(), tmp_path / f"resnet18{suffix}"
    torch.save(weights, path) if suffix == ".pth" else save_file(weights, path)
    made = trainer(evolve(SMALL, pretrained_backbone_weights=str(path)))
    made.prepare(batch())
    for key, value in made.network.backbone.state_dict().items():
        torch.testing.assert_close(value, weights[key], rtol=0, atol=0)


def test_a_file_that_is_missing_or_holds_something_else_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.pth cannot be read"):
        trainer(evolve(SMALL, pretrained_backbone_weights=str(tmp_path / "gone.pth")))
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match=r"other\.pth holds no ResNet-18"):
        trainer(evolve(SMALL, pretrained_backbone_weights=str(tmp_path / "other.pth")))


def test_weights_that_would_be_downloaded_are_not_and_that_is_said(caplog):
    made = trainer(evolve(SMALL, pretrained_backbone_weights="ResNet18_Weights.IMAGENET1K_V1"))
    assert "starts from random weights" in caplog.text
    made.prepare(batch())
    assert made.network.backbone.bn1.running_mean.abs().max() > 0


def test_impossible_networks_are_refused_with_all_reasons():
    wrong = ACTConfig(vision_backbone="vit", n_action_steps=200, dim_model=30)
    with pytest.raises(ConfigError) as caught:
        check(wrong)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["vision_backbone", "n_action_steps", "dim_model"]


def test_unknown_keys_of_config_json_are_logged_and_wrong_values_refused(caplog):
    assert read_config({"type": "act", "chunk_size": 7, "n_action_steps": 7, "new_key": 1}).chunk_size == 7
    assert "new_key" in caplog.text
    with pytest.raises(ConfigError, match=r"config\.json: .*chunk_size"):
        read_config({"chunk_size": "many"})
