"""A small U-Net of valid convolutions, and its weights read back from an ONNX file.

The sizes of the two-class model (the others go from 76 to 36):
92 -> (conv conv) 88 -> pool 44 -> (conv conv) 40 -> pool 20 -> (conv conv) 16
   -> up 32, skip cropped from 40 -> (conv conv) 28 -> up 56, skip cropped from 88 -> (conv conv) 52 -> 1x1
"""

import numpy as np
import onnx
import torch
from torch import Tensor, nn

MARGIN = 20  # what the valid convolutions take from each side


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.Conv2d(outputs, outputs, 3), nn.ReLU())


def crop_to(skip: Tensor, like: Tensor) -> Tensor:
    """The centre of `skip`, as large as `like`. Written with shapes, so that a tracer keeps it dynamic."""
    height, width = like.shape[2], like.shape[3]
    top = (skip.shape[2] - height) // 2
    left = (skip.shape[3] - width) // 2
    return skip[:, :, top : top + height, left : left + width]


class UNet(nn.Module):
    def __init__(self, classes: int, widths: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        first, second, third = widths
        self.down1 = double_convolution(3, first)
        self.down2 = double_convolution(first, second)
        self.bottom = double_convolution(second, third)
        self.up2 = nn.ConvTranspose2d(third, second, 2, stride=2)
        self.join2 = double_convolution(2 * second, second)
        self.up1 = nn.ConvTranspose2d(second, first, 2, stride=2)
        self.join1 = double_convolution(2 * first, first)
        self.head = nn.Conv2d(first, classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> Tensor:
        skip1 = self.down1(image)
        skip2 = self.down2(self.pool(skip1))
        x = self.up2(self.bottom(self.pool(skip2)))
        x = self.up1(self.join2(torch.cat([crop_to(skip2, x), x], dim=1)))
        x = self.join1(torch.cat([crop_to(skip1, x), x], dim=1))
        return self.head(x)


def load_unet(path: str) -> UNet:
    """The PyTorch model with the weights of an exported ONNX file (initializers carry the parameters' names)."""
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    widths = tuple(stored[f"{part}.0.bias"].shape[0] for part in ("down1", "down2", "bottom"))
    model = UNet(stored["head.bias"].shape[0], widths)
    model.load_state_dict({name: torch.from_numpy(np.array(stored[name])) for name in model.state_dict()})
    return model.eval().requires_grad_(False)
