"""U-Net with valid convolutions, in the geometry of Ronneberger et al. (2015).

Five levels of two 3x3 valid convolutions with ReLU, 2x2 max pooling between
them, 2x2 transposed convolutions on the way up, skip connections cropped to
their centre and concatenated, and a 1x1 convolution to K logits. A picture of
3x572x572 gives Kx388x388.

Training may start with batch normalisation; `fold` turns it into plain
convolutions of the same function, so that the exported graph holds Conv, Relu,
MaxPool, ConvTranspose, Slice and Concat and nothing else.
"""

import torch
from torch import Tensor, nn

WIDTHS = (8, 16, 32, 64, 128)
"""Channels of the five levels: an eighth of the original's 64 to 1024."""

MARGIN = 92
"""Pixels that valid convolutions take from each side of the input."""


class Conv(nn.Conv2d):
    """3x3 valid convolution, with batch normalisation until it is folded."""

    def __init__(self, inputs: int, outputs: int, normalise: bool) -> None:
        super().__init__(inputs, outputs, 3)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.03) if normalise else None

    def forward(self, image: Tensor) -> Tensor:
        image = super().forward(image)
        return image if self.norm is None else self.norm(image)

    @torch.no_grad()
    def fold(self) -> None:
        norm = self.norm
        if norm is None:
            return
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        self.weight.mul_(scale[:, None, None, None])
        self.bias.copy_((self.bias - norm.running_mean) * scale + norm.bias)
        self.norm = None


class DoubleConv(nn.Sequential):
    """Two 3x3 valid convolutions, each followed by a ReLU."""

    def __init__(self, inputs: int, outputs: int, normalise: bool) -> None:
        super().__init__(
            Conv(inputs, outputs, normalise), nn.ReLU(), Conv(outputs, outputs, normalise), nn.ReLU()
        )


class Up(nn.Module):
    """Transposed convolution, concatenation with the cropped skip connection, double convolution."""

    def __init__(self, inputs: int, outputs: int, normalise: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = DoubleConv(2 * outputs, outputs, normalise)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        below = self.up(below)
        height, width = below.shape[2:]
        top = (skip.shape[2] - height) // 2
        left = (skip.shape[3] - width) // 2
        skip = skip[:, :, top : top + height, left : left + width]
        return self.conv(torch.cat([skip, below], dim=1))


class UNet(nn.Module):
    """Any input of 16n+12 pixels a side from 188 on; the output is 184 pixels smaller."""

    def __init__(self, classes: int, normalise: bool = False) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            DoubleConv(before, after, normalise) for before, after in zip((3, *WIDTHS), WIDTHS)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            Up(before, after, normalise) for before, after in zip(WIDTHS[:0:-1], WIDTHS[-2::-1])
        )
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        # Zero-centred pixels train faster. Pixels arrive in [0, 1], and 2x - 1 goes
        # into the first convolution: exact, because valid convolutions pad nothing.
        first = self.down[0][0]
        with torch.no_grad():
            first.bias.sub_(first.weight.sum(dim=(1, 2, 3)))
            first.weight.mul_(2)

    def fold(self) -> None:
        """Merges batch normalisation, with the averages seen so far, into the convolutions."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fold()

    def forward(self, image: Tensor) -> Tensor:
        below = image
        skips = []
        for level, conv in enumerate(self.down):
            below = conv(below if level == 0 else self.pool(below))
            skips.append(below)
        for up, skip in zip(self.up, skips[-2::-1]):
            below = up(below, skip)
        return self.head(below)
