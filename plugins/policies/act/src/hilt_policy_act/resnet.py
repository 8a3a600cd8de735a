"""ResNet-18 (He et al., 2015, arXiv:1512.03385) up to its last feature map, with frozen batch statistics.

Parameter names are those of torchvision, so that its weights and LeRobot's checkpoints fit.
"""

import torch
from torch import Tensor, nn

STRIDE = 32
WIDTH = 512


class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose statistics and scale are constants: a scale and a shift for each channel."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class Block(nn.Module):
    """Two 3x3 convolutions and a short cut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = FrozenBatchNorm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = FrozenBatchNorm(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), FrozenBatchNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        shortcut = x if self.downsample is None else self.downsample(x)
        joined: Tensor = inner + shortcut
        return joined.relu()


class ResNet18(nn.Module):
    """(b, 3, h, w) -> (b, 512, h / 32, w / 32), both rounded up."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.layer4 = nn.Sequential(Block(256, WIDTH, 2), Block(WIDTH, WIDTH, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        features: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return features


@torch.no_grad()
def calibrate(network: ResNet18, images: Tensor) -> None:
    """Set the frozen statistics from a batch of images (b, 3, h, w).

    Statistics that are frozen before they were ever measured normalise nothing: the activations of a network with random
    weights double from block to block, and it hardly learns. Each layer is measured with those before it done.
    """

    def measure(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        assert isinstance(module, FrozenBatchNorm)  # noqa: S101  only those have the hook
        variance, mean = torch.var_mean(arguments[0], dim=(0, 2, 3))
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)

    hooks = [module.register_forward_pre_hook(measure) for module in network.modules() if isinstance(module, FrozenBatchNorm)]
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
