"""What several of the networks are built from."""

import torch
import torch.nn.functional as F
from torch import nn


class ConvNormAct(nn.Sequential):
    """Convolution, BatchNorm, activation; `None` leaves the activation out."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, dilation=1, groups=1, padding=None, act=nn.ReLU, norm=nn.BatchNorm2d):
        if padding is None:
            pair = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            padding = tuple(dilation * (k - 1) // 2 for k in pair)
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=norm is None)]
        if norm is not None:
            layers.append(norm(outputs))
        if act is not None:
            layers.append(act())
        super().__init__(*layers)


def double_conv(inputs, outputs, **options):
    return nn.Sequential(ConvNormAct(inputs, outputs, **options), ConvNormAct(outputs, outputs, **options))


class Residual(nn.Module):
    """Basic block of ResNet."""

    def __init__(self, inputs, outputs, stride=1, dilation=1, act=True):
        super().__init__()
        self.body = nn.Sequential(
            ConvNormAct(inputs, outputs, stride=stride, dilation=dilation),
            ConvNormAct(outputs, outputs, dilation=dilation, act=None),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else ConvNormAct(inputs, outputs, 1, stride, act=None)
        self.act = nn.ReLU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.body(x) + self.shortcut(x))


class Encoder(nn.Module):
    """A small ResNet with one block per stage; gives the features of all stages, finest first.

    `strides` are those of the stages; the stem halves twice, as in ResNet.
    """

    def __init__(self, widths=(8, 12, 16, 24), strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), inputs=3):
        super().__init__()
        self.stem = nn.Sequential(ConvNormAct(inputs, widths[0], 7, 2), nn.MaxPool2d(3, 2, 1))
        before = (widths[0], *widths)
        self.stages = nn.ModuleList(
            Residual(before[i], width, strides[i], dilations[i]) for i, width in enumerate(widths)
        )

    def forward(self, image):
        x = self.stem(image)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def resize(x, like, mode="bilinear", align_corners=False):
    """x on the grid of `like` (a tensor or a size)."""
    size = like if isinstance(like, (tuple, torch.Size)) else like.shape[2:]
    return F.interpolate(x, size=size, mode=mode, align_corners=align_corners if mode == "bilinear" else None)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=2, gate=nn.Sigmoid):
        super().__init__()
        self.body = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // reduction, 1),
            nn.ReLU(),
            nn.Conv2d(channels // reduction, channels, 1),
            gate(),
        )

    def forward(self, x):
        return x * self.body(x)


class ContextPyramid(nn.Module):
    """Atrous spatial pyramid pooling of DeepLabV3."""

    def __init__(self, inputs, outputs, rates=(2, 4, 6)):
        super().__init__()
        self.branches = nn.ModuleList(
            [ConvNormAct(inputs, outputs, 1)] + [ConvNormAct(inputs, outputs, dilation=rate) for rate in rates]
        )
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNormAct(inputs, outputs, 1))
        self.project = nn.Sequential(ConvNormAct(outputs * (len(rates) + 2), outputs, 1), nn.Dropout(0.5))

    def forward(self, x):
        parts = [branch(x) for branch in self.branches]
        return self.project(torch.cat([*parts, resize(self.pooled(x), x)], 1))


class PyramidPooling(nn.Module):
    """Pyramid pooling module of PSPNet. The bins have to divide the size of the features: adaptive pools do not export otherwise."""

    def __init__(self, inputs, outputs, bins=(1, 2, 4)):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), ConvNormAct(inputs, outputs, 1)) for size in bins
        )

    def forward(self, x):
        return torch.cat([x] + [resize(branch(x), x, align_corners=True) for branch in self.branches], 1)


def smooth(network):
    """Replaces Relu and LeakyRelu by SiLU: with very many of them, some always lie within rounding of their kink."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, (nn.ReLU, nn.LeakyReLU)):
                setattr(module, name, nn.SiLU())
    return network
