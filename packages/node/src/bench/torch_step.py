"""Times attack steps of the paper's U-Net in PyTorch, one per line read from stdin.

Variants: `reference` (the authors' loop: two forwards, full backward), `input_gradient` (one forward,
backward to the image only) and `channels_last` (the same in channels-last memory). Answers each line
with the seconds of one step.
"""

import sys
import time

import torch
from torch import nn


class DoubleConv(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.Conv2d(outputs, outputs, 3), nn.ReLU())


class UNet(nn.Module):
    """Valid convolutions, 32-64-128-256-512 channels, 3x572x572 in, 2x388x388 out."""

    def __init__(self, widths=(32, 64, 128, 256, 512)):
        super().__init__()
        self.down = nn.ModuleList(DoubleConv(i, o) for i, o in zip((3, *widths[:-1]), widths))
        pairs = list(zip(widths[::-1], widths[-2::-1]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in pairs)
        self.up = nn.ModuleList(DoubleConv(i, o) for i, o in pairs)
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        skips = []
        for block in self.down[:-1]:
            x = block(x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.down[-1](x)
        for grow, block in zip(self.grow, self.up):
            x = grow(x)
            skip = skips.pop()
            top = (skip.shape[2] - x.shape[2]) // 2
            x = block(torch.cat([skip[:, :, top : top + x.shape[2], top : top + x.shape[3]], x], 1))
        return self.head(x)


def masked_loss(logits, target):
    prediction = logits.argmax(1)
    return sum(((target == c) & (prediction != c)).float().mul(logits[:, c]).sum() for c in (0, 1))


def iou(logits, target):
    prediction = logits.argmax(1)
    return (prediction * target).sum() / (prediction + target).clamp(max=1).sum().clamp(min=1)


def step(model, original, image, target, second_forward):
    image = image.detach().requires_grad_()
    logits = model(image)
    loss = masked_loss(logits, target) - (image - original).pow(2).sum()
    loss.backward()
    moved = image.detach() + (1e-6 * iou(logits, target) + 1e-7) * image.grad
    if second_forward:
        iou(model(moved), target)
    return moved.clamp(0, 1)


def main():
    torch.manual_seed(4)
    model = UNet()
    original = torch.rand(1, 3, 572, 572)
    target = (torch.rand(1, 388, 388) > 0.8).long()
    image = original.clone()
    print("ready", flush=True)
    for line in sys.stdin:
        variant = line.strip()
        is_reference = variant == "reference"
        layout = torch.channels_last if variant == "channels_last" else torch.contiguous_format
        model.to(memory_format=layout).requires_grad_(is_reference)
        model.zero_grad(set_to_none=True)
        inputs = [t.contiguous(memory_format=layout) for t in (original, image)]
        start = time.perf_counter()
        step(model, *inputs, target, is_reference)
        print(time.perf_counter() - start, flush=True)


main()
